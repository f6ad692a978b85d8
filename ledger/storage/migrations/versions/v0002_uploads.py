"""Uploads that arrive in several goes, and what each institution's cases hold."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create both tables, and count the files that are there."""
    holdings = op.create_table(
        "holdings",
        sa.Column("institution", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("held", sa.BigInteger(), nullable=False),
        sa.Column("quota", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("institution", name="pk_holdings"),
    )
    op.create_table(
        "uploads",
        sa.Column("id", sa.LargeBinary(), nullable=False),
        sa.Column("case_id", sa.LargeBinary(), nullable=False),
        sa.Column("owner", sa.BigInteger(), nullable=False),
        sa.Column("institution", sa.BigInteger(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("object_name", sa.Text(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("changed", sa.BigInteger(), nullable=False),
        sa.Column("claimed", sa.LargeBinary(), nullable=True),
        sa.Column("durable", sa.BigInteger(), nullable=False),
        sa.Column("sealed", sa.BigInteger(), nullable=False),
        sa.Column("finished", sa.BigInteger(), nullable=True),
        sa.Column("sm3", sa.LargeBinary(), nullable=True),
        sa.Column("sha256", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_uploads"),
        sa.UniqueConstraint("object_name", name="uq_uploads_object_name"),
    )
    op.create_index("ix_uploads_institution_created", "uploads", ["institution", "created"], unique=False)
    op.create_index("ix_uploads_owner", "uploads", ["owner"], unique=False)
    op.create_index("ix_uploads_changed", "uploads", ["changed"], unique=False)
    _count(holdings)


def downgrade() -> None:
    """Drop both; what open uploads hold stays in the object store as parts that no row names."""
    op.drop_table("uploads")
    op.drop_table("holdings")


def _count(holdings: sa.Table) -> None:
    """A case id begins with its opener's number."""
    found = op.get_bind().execute(sa.text("SELECT substr(case_id, 1, 4), sum(size) FROM files GROUP BY 1"))
    rows = [{"institution": int.from_bytes(bytes(owner), "big"), "held": int(size)} for owner, size in found]
    if rows:
        op.bulk_insert(holdings, rows)
