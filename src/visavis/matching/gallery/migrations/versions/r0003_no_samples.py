"""PostgreSQL keeps no samples of what names or shows somebody among its statistics.

They would outlast the rows, in a table of the server's own that only its owner may rewrite. No
query needs them: rows are found by whole keys.
"""

from alembic import op

revision = "0003"
down_revision = "0002"

SEALED = {
    "people": ("key", "name", "consent"),
    "faces": ("embedding", "photo_key", "photo", "file", "crop"),
    "wrong_answers": ("photo_key", "photo", "embedding"),
}


def upgrade() -> None:
    """Let ``ANALYZE`` pass over these columns."""
    if op.get_bind().dialect.name != "postgresql":
        return
    for table, columns in SEALED.items():
        for column in columns:
            op.execute(f"ALTER TABLE {table} ALTER COLUMN {column} SET STATISTICS 0")
