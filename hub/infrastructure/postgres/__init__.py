"""The hub's event store on PostgreSQL: one schema a shard, one writer, one relay, any number of followers. Imported by entrypoints only.

SQL lives in `sql/` (one name per query) and in `migrations/` (one file per revision); nothing here builds SQL from strings.
"""
