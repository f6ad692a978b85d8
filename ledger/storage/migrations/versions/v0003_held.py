"""A statement says whether its content was handed in, so that an audit tells a lost content from a withheld one."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """What is held now counts as handed in; of what was lost before nothing is known."""
    held: sa.Column[bool] = sa.Column("held", sa.Boolean(), server_default=sa.false(), nullable=False)
    op.add_column("statements", held)
    op.execute("UPDATE statements SET held = true WHERE digest IN (SELECT digest FROM contents)")


def downgrade() -> None:
    """Drop the mark."""
    op.drop_column("statements", "held")
