"""Runs the revisions on the connection that ``schema.upgrade`` hands over."""

from alembic import context

from visavis.matching.gallery.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
