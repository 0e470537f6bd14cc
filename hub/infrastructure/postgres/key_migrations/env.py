"""What alembic runs for `migrate`: the revisions on the connection that it was given, inside the caller's transaction."""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
context.run_migrations()
