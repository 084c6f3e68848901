"""What an encrypted gallery remembers of its key; nothing where it is not encrypted."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add it to the gallery's row."""
    op.add_column("gallery", sa.Column("wrapped_key", sa.LargeBinary()))
    op.add_column("gallery", sa.Column("key_salt", sa.LargeBinary()))
    op.add_column("gallery", sa.Column("key_cost", sa.Integer()))
