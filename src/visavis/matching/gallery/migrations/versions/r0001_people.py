"""People, their faces, wrong answers and the audit log."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _number() -> sa.Column[int]:
    return sa.Column("id", NUMBER, autoincrement=False, nullable=False)


def _person() -> sa.Column[int]:
    return sa.Column("person_id", NUMBER, nullable=False)


def upgrade() -> None:
    """Make the first tables."""
    op.create_table(
        "gallery",
        _number(),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("embedding_size", sa.Integer(), nullable=False),
        sa.Column("cipher", sa.Text(), nullable=False),
        sa.Column("generation", sa.BigInteger(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_gallery"),
    )
    op.create_table(
        "people",
        _number(),
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("name", sa.LargeBinary(), nullable=False),
        sa.Column("consent", sa.LargeBinary()),
        sa.Column("expires", sa.BigInteger()),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_people"),
        sa.UniqueConstraint("key", name="uq_people_key"),
    )
    op.create_index("ix_people_expires", "people", ["expires"])
    op.create_table(
        "faces",
        _number(),
        _person(),
        sa.Column("embedding", sa.LargeBinary(), nullable=False),
        sa.Column("photo_key", sa.LargeBinary(), nullable=False),
        sa.Column("photo", sa.LargeBinary(), nullable=False),
        sa.Column("file", sa.LargeBinary(), nullable=False),
        *(
            sa.Column(name, sa.Float(), nullable=False)
            for name in (
                "left", "top", "width", "height", "score", "eye_distance", "turn", "sharpness",
            )
        ),
        sa.Column("crop", sa.LargeBinary()),
        sa.Column("created", sa.BigInteger(), nullable=False),
        _people_of("faces"),
        sa.PrimaryKeyConstraint("id", name="pk_faces"),
    )  # fmt: skip
    op.create_table(
        "wrong_answers",
        _number(),
        _person(),
        sa.Column("photo_key", sa.LargeBinary(), nullable=False),
        sa.Column("photo", sa.LargeBinary(), nullable=False),
        sa.Column("embedding", sa.LargeBinary(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        _people_of("wrong_answers"),
        sa.PrimaryKeyConstraint("id", name="pk_wrong_answers"),
    )
    for table in ("faces", "wrong_answers"):
        op.create_index(f"ix_{table}_person_id", table, ["person_id"])
        op.create_index(f"ix_{table}_photo_key", table, ["photo_key"])
    op.create_table(
        "audit",
        _number(),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("person_id", sa.BigInteger()),
        sa.Column("photos", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit"),
    )


def _people_of(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["person_id"], ["people.id"], name=f"fk_{table}_person_id", ondelete="CASCADE"
    )
