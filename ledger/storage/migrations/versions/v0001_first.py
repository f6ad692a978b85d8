"""The first schema: statements, cases, files, collections, tokens, members, chain and proofs."""

import sqlalchemy as sa
from alembic import op

from tiezheng.errors import Refused

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create every table."""
    op.create_table(
        "batches",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("header", sa.LargeBinary(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("first", sa.BigInteger(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("block_number", sa.BigInteger(), nullable=True),
        sa.Column("block_time", sa.BigInteger(), nullable=True),
        sa.Column("proof_height", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("number", name="pk_batches"),
        sa.UniqueConstraint("digest", name="uq_batches_digest"),
    )
    op.create_table(
        "cards",
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("identity_root", sa.LargeBinary(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("number", "identity_root", name="pk_cards"),
    )
    op.create_table(
        "cases",
        sa.Column("case_id", sa.LargeBinary(), nullable=False),
        sa.Column("head", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("kind", sa.Integer(), nullable=False),
        sa.Column("updated", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("case_id", name="pk_cases"),
    )
    op.create_table(
        "checkpoints",
        sa.Column("height", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("header", sa.LargeBinary(), nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("height", name="pk_checkpoints"),
    )
    op.create_table(
        "collections",
        sa.Column("id", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("statement", sa.LargeBinary(), nullable=False),
        sa.Column("institution", sa.BigInteger(), nullable=False),
        sa.Column("case_id", sa.LargeBinary(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=True),
        sa.Column("not_held", sa.LargeBinary(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_collections"),
    )
    op.create_index("ix_collections_state_expires", "collections", ["state", "expires"], unique=False)
    op.create_table(
        "faults",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("cleared", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_faults"),
    )
    op.create_table(
        "files",
        sa.Column("case_id", sa.LargeBinary(), nullable=False),
        sa.Column("sm3", sa.LargeBinary(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("object_name", sa.Text(), nullable=False),
        sa.Column("received", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("case_id", "sm3", name="pk_files"),
        sa.UniqueConstraint("object_name", name="uq_files_object_name"),
    )
    op.create_table(
        "forks",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("height", sa.BigInteger(), nullable=False),
        sa.Column("block_hash", sa.LargeBinary(), nullable=False),
        sa.Column("own_hash", sa.LargeBinary(), nullable=False),
        sa.Column("signer", sa.BigInteger(), nullable=False),
        sa.Column("seen", sa.BigInteger(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.Column("received", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_forks"),
        sa.UniqueConstraint("height", "signer", "block_hash", name="uq_forks_height_signer_block_hash"),
    )
    op.create_table(
        "member_keys",
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("key_index", sa.SmallInteger(), nullable=False),
        sa.Column("x", sa.LargeBinary(), nullable=False),
        sa.Column("y", sa.LargeBinary(), nullable=False),
        sa.Column("z", sa.LargeBinary(), nullable=False),
        sa.Column("institution", sa.BigInteger(), nullable=False),
        sa.Column("role", sa.SmallInteger(), nullable=False),
        sa.Column("custody", sa.SmallInteger(), nullable=False),
        sa.Column("identity_root", sa.LargeBinary(), nullable=False),
        sa.Column("valid_from", sa.BigInteger(), nullable=False),
        sa.Column("valid_until", sa.BigInteger(), nullable=False),
        sa.Column("compromised_since", sa.BigInteger(), nullable=False),
        sa.Column("ended_by", sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint("number", "key_index", name="pk_member_keys"),
    )
    op.create_table(
        "institutions",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("role", sa.SmallInteger(), nullable=False),
        sa.Column("voter", sa.Boolean(), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_institutions"),
    )
    op.create_table(
        "procedure_tables",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("table_index", sa.Integer(), nullable=False),
        sa.Column("valid_from", sa.BigInteger(), nullable=False),
        sa.Column("valid_until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_procedure_tables"),
    )
    op.create_table(
        "closed_contracts",
        sa.Column("address", sa.LargeBinary(), nullable=False),
        sa.Column("successor", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("address", name="pk_closed_contracts"),
    )
    op.create_table(
        "positions",
        sa.Column("stream", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.Column("seen", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("stream", name="pk_positions"),
    )
    op.create_table(
        "statements",
        sa.Column("position", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("statement", sa.LargeBinary(), nullable=False),
        sa.Column("signatures", sa.LargeBinary(), nullable=False),
        sa.Column("lane", sa.SmallInteger(), nullable=False),
        sa.Column("kind", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.LargeBinary(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("institution", sa.BigInteger(), nullable=False),
        sa.Column("counterparty", sa.BigInteger(), nullable=False),
        sa.Column("subject", sa.LargeBinary(), nullable=False),
        sa.Column("terms", sa.LargeBinary(), nullable=True),
        sa.Column("occurred", sa.BigInteger(), nullable=False),
        sa.Column("received", sa.BigInteger(), nullable=False),
        sa.Column("due", sa.BigInteger(), nullable=False),
        sa.Column("state_after", sa.Text(), nullable=False),
        sa.Column("not_held", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("block_number", sa.BigInteger(), nullable=True),
        sa.Column("block_time", sa.BigInteger(), nullable=True),
        sa.Column("batch", sa.BigInteger(), nullable=True),
        sa.Column("batch_index", sa.BigInteger(), nullable=True),
        sa.Column("proof_height", sa.BigInteger(), nullable=True),
        sa.Column("final_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("position", name="pk_statements"),
        sa.UniqueConstraint("digest", name="uq_statements_digest"),
    )
    op.create_index("ix_statements_batch_batch_index", "statements", ["batch", "batch_index"], unique=False)
    op.create_index("ix_statements_proof_height_status", "statements", ["proof_height", "status"], unique=False)
    op.create_index("ix_statements_status_lane_position", "statements", ["status", "lane", "position"], unique=False)
    op.create_index("ix_statements_subject", "statements", ["subject"], unique=False)
    op.create_index("ix_statements_terms", "statements", ["terms"], unique=False)
    op.create_index(
        "uq_statements_case_id_sequence",
        "statements",
        ["case_id", "sequence"],
        unique=True,
        sqlite_where=sa.text("status <> 'refused'"),
        postgresql_where=sa.text("status <> 'refused'"),
    )
    op.create_table(
        "tokens",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("institution", sa.BigInteger(), nullable=False),
        sa.Column("holder", sa.LargeBinary(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=True),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=False),
        sa.Column("revoked", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("digest", name="pk_tokens"),
    )
    op.create_index("ix_tokens_institution", "tokens", ["institution"], unique=False)
    op.create_table(
        "transactions",
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("sender", sa.LargeBinary(), nullable=False),
        sa.Column("nonce", sa.BigInteger(), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("subject", sa.LargeBinary(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("block_number", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("hash", name="pk_transactions"),
    )
    op.create_index("ix_transactions_state_nonce", "transactions", ["state", "nonce"], unique=False)
    op.create_index("ix_transactions_subject", "transactions", ["subject"], unique=False)
    op.create_index(
        "uq_transactions_sender_nonce",
        "transactions",
        ["sender", "nonce"],
        unique=True,
        sqlite_where=sa.text("state <> 'abandoned'"),
        postgresql_where=sa.text("state <> 'abandoned'"),
    )
    op.create_table(
        "wrapped_keys",
        sa.Column("owner", sa.LargeBinary(), nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=True),
        sa.Column("destroyed", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("owner", name="pk_wrapped_keys"),
    )
    op.create_table(
        "account_proofs",
        sa.Column("height", sa.BigInteger(), nullable=False),
        sa.Column("address", sa.LargeBinary(), nullable=False),
        sa.Column("nodes", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["height"], ["checkpoints.height"], name="fk_account_proofs_height_checkpoints"),
        sa.PrimaryKeyConstraint("height", "address", name="pk_account_proofs"),
    )
    op.create_table(
        "case_participants",
        sa.Column("case_id", sa.LargeBinary(), nullable=False),
        sa.Column("institution", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.case_id"], name="fk_case_participants_case_id_cases"),
        sa.PrimaryKeyConstraint("case_id", "institution", name="pk_case_participants"),
    )
    op.create_index("ix_case_participants_institution", "case_participants", ["institution"], unique=False)
    op.create_table(
        "collection_places",
        sa.Column("collection", sa.LargeBinary(), nullable=False),
        sa.Column("signer", sa.BigInteger(), nullable=False),
        sa.Column("role", sa.SmallInteger(), nullable=False),
        sa.Column("institution", sa.BigInteger(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["collection"], ["collections.id"], name="fk_collection_places_collection_collections"),
        sa.PrimaryKeyConstraint("collection", "signer", name="pk_collection_places"),
    )
    op.create_index("ix_collection_places_institution", "collection_places", ["institution"], unique=False)
    op.create_table(
        "contents",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["digest"], ["statements.digest"], name="fk_contents_digest_statements"),
        sa.PrimaryKeyConstraint("digest", name="pk_contents"),
    )
    op.create_table(
        "cosignatures",
        sa.Column("height", sa.BigInteger(), nullable=False),
        sa.Column("signer", sa.BigInteger(), nullable=False),
        sa.Column("block_hash", sa.LargeBinary(), nullable=False),
        sa.Column("seen", sa.BigInteger(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["height"], ["checkpoints.height"], name="fk_cosignatures_height_checkpoints"),
        sa.PrimaryKeyConstraint("height", "signer", name="pk_cosignatures"),
    )
    op.create_table(
        "receipts",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("file", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["digest"], ["statements.digest"], name="fk_receipts_digest_statements"),
        sa.PrimaryKeyConstraint("digest", name="pk_receipts"),
    )
    op.create_table(
        "refusals",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("reason", sa.Integer(), nullable=False),
        sa.Column("block_number", sa.BigInteger(), nullable=False),
        sa.Column("block_hash", sa.LargeBinary(), nullable=False),
        sa.Column("file", sa.LargeBinary(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["digest"], ["statements.digest"], name="fk_refusals_digest_statements"),
        sa.PrimaryKeyConstraint("digest", name="pk_refusals"),
    )
    op.create_table(
        "slot_proofs",
        sa.Column("height", sa.BigInteger(), nullable=False),
        sa.Column("address", sa.LargeBinary(), nullable=False),
        sa.Column("slot", sa.LargeBinary(), nullable=False),
        sa.Column("nodes", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["height"], ["checkpoints.height"], name="fk_slot_proofs_height_checkpoints"),
        sa.PrimaryKeyConstraint("height", "address", "slot", name="pk_slot_proofs"),
    )


def downgrade() -> None:
    """Drop every table, unless one holds rows."""
    connection = op.get_bind()
    for name in _TABLES:
        if connection.execute(sa.select(sa.literal(1)).select_from(sa.table(name)).limit(1)).first() is not None:
            raise Refused("config.database", detail=f"{name}: rows would be lost")
    for name in _TABLES:
        op.drop_table(name)


# In an order in which each may be dropped before those that it refers to.
_TABLES = (
    "receipts",
    "contents",
    "refusals",
    "case_participants",
    "collection_places",
    "account_proofs",
    "slot_proofs",
    "cosignatures",
    "batches",
    "cards",
    "cases",
    "checkpoints",
    "collections",
    "faults",
    "files",
    "forks",
    "member_keys",
    "institutions",
    "procedure_tables",
    "closed_contracts",
    "positions",
    "statements",
    "tokens",
    "transactions",
    "wrapped_keys",
)
