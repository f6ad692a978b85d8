"""Runs migrations on the connection that `ledger.storage.migrate` hands over; there is no other way to run them."""

from alembic import context

from ledger.storage.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, transactional_ddl=True)
context.run_migrations()
