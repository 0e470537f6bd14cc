"""Revisions of a shard's schema: `versions/<revision>.py` for alembic beside `<revision>.sql`, which holds the plain SQL."""
