"""What one unit keeps: its outbox, its journal, its clients, its place in the feed. One database a unit, SQLite or PostgreSQL.

One file a concern, each over one open connection; `unit_store.UnitStore` opens the database and gives transactions. Imported by the adapter only.
"""
