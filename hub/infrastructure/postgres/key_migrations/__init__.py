"""Revisions of the schema of a shard's key service, in a database of its own: as `migrations`."""
