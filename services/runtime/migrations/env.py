"""What alembic runs around each command: one backend's tables, on the connection that `migrate` opened."""

from alembic import context
from sqlalchemy import Connection, MetaData

connection: Connection = context.config.attributes["connection"]
tables: MetaData = context.config.attributes["metadata"]

context.configure(
    connection=connection,
    target_metadata=tables,
    version_table=context.config.attributes["version_table"],
    # Several backends may share one database: each sees only its own tables.
    include_name=lambda name, kind, _parents: kind != "table" or name in tables.tables,
    # SQLite changes a column by copying its table, and can roll that back like any other store.
    render_as_batch=True,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
