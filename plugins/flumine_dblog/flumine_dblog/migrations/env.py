"""Runs the migrations on the connection that the plugin hands over."""

from alembic import context

from flumine_dblog.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
