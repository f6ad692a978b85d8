"""The tables, declared once; migrations are held to this by a test.

Guaranteed: no column holds personal data in the clear: contents, identity cards and labels of tokens are ciphertext.
Not guaranteed: that digests of files are unguessable; a digest of a file stands here as it does in a lookup.
"""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
)

metadata: Final = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite numbers rows by itself only where the key's type is INTEGER.
ROW_NUMBER: Final = BigInteger().with_variant(Integer(), "sqlite")

statements = Table(
    "statements",
    metadata,
    Column("position", ROW_NUMBER, primary_key=True, autoincrement=True),
    Column("digest", LargeBinary, nullable=False, unique=True),
    Column("statement", LargeBinary, nullable=False),
    Column("signatures", LargeBinary, nullable=False),
    Column("lane", SmallInteger, nullable=False),
    Column("kind", Integer, nullable=False),
    Column("case_id", LargeBinary, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("institution", BigInteger, nullable=False),
    Column("counterparty", BigInteger, nullable=False),
    Column("subject", LargeBinary, nullable=False),
    Column("terms", LargeBinary),
    Column("occurred", BigInteger, nullable=False),
    Column("received", BigInteger, nullable=False),
    Column("due", BigInteger, nullable=False),
    Column("state_after", Text, nullable=False),
    Column("not_held", LargeBinary, nullable=False),
    Column("held", Boolean, nullable=False, server_default=false()),
    Column("status", Text, nullable=False),
    Column("block_number", BigInteger),
    Column("block_time", BigInteger),
    Column("batch", BigInteger),
    Column("batch_index", BigInteger),
    Column("proof_height", BigInteger),
    Column("final_at", BigInteger),
    Index("ix_statements_status_lane_position", "status", "lane", "position"),
    Index("ix_statements_subject", "subject"),
    Index("ix_statements_terms", "terms"),
    Index("ix_statements_proof_height_status", "proof_height", "status"),
    Index("ix_statements_batch_batch_index", "batch", "batch_index"),
)

# One statement at a time holds a position of a case; a refused one no longer does.
Index(
    "uq_statements_case_id_sequence",
    statements.c.case_id,
    statements.c.sequence,
    unique=True,
    sqlite_where=text("status <> 'refused'"),
    postgresql_where=text("status <> 'refused'"),
)

receipts = Table(
    "receipts",
    metadata,
    Column("digest", LargeBinary, ForeignKey("statements.digest"), primary_key=True),
    Column("file", LargeBinary, nullable=False),
)

contents = Table(
    "contents",
    metadata,
    Column("digest", LargeBinary, ForeignKey("statements.digest"), primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
)

refusals = Table(
    "refusals",
    metadata,
    Column("digest", LargeBinary, ForeignKey("statements.digest"), primary_key=True),
    Column("reason", Integer, nullable=False),
    Column("block_number", BigInteger, nullable=False),
    Column("block_hash", LargeBinary, nullable=False),
    Column("file", LargeBinary, nullable=False),
    Column("created", BigInteger, nullable=False),
)

cases = Table(
    "cases",
    metadata,
    Column("case_id", LargeBinary, primary_key=True),
    Column("head", LargeBinary, nullable=False),
    Column("state", Text, nullable=False),
    Column("kind", Integer, nullable=False),
    Column("updated", BigInteger, nullable=False),
)

case_participants = Table(
    "case_participants",
    metadata,
    Column("case_id", LargeBinary, ForeignKey("cases.case_id"), primary_key=True),
    Column("institution", BigInteger, primary_key=True),
    Index("ix_case_participants_institution", "institution"),
)

files = Table(
    "files",
    metadata,
    Column("case_id", LargeBinary, primary_key=True),
    Column("sm3", LargeBinary, primary_key=True),
    Column("sha256", LargeBinary, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("media_type", Text, nullable=False),
    Column("object_name", Text, nullable=False, unique=True),
    Column("received", BigInteger, nullable=False),
)

holdings = Table(
    "holdings",
    metadata,
    Column("institution", BigInteger, primary_key=True, autoincrement=False),
    Column("held", BigInteger, nullable=False),
    Column("quota", BigInteger),
)

uploads = Table(
    "uploads",
    metadata,
    Column("id", LargeBinary, primary_key=True),
    Column("case_id", LargeBinary, nullable=False),
    Column("owner", BigInteger, nullable=False),
    Column("institution", BigInteger, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("media_type", Text, nullable=False),
    Column("object_name", Text, nullable=False, unique=True),
    Column("created", BigInteger, nullable=False),
    Column("changed", BigInteger, nullable=False),
    Column("claimed", LargeBinary),
    Column("durable", BigInteger, nullable=False),
    Column("sealed", BigInteger, nullable=False),
    Column("finished", BigInteger),
    Column("sm3", LargeBinary),
    Column("sha256", LargeBinary),
    Index("ix_uploads_institution_created", "institution", "created"),
    Index("ix_uploads_owner", "owner"),
    Index("ix_uploads_changed", "changed"),
)

collections = Table(
    "collections",
    metadata,
    Column("id", LargeBinary, primary_key=True),
    Column("digest", LargeBinary, nullable=False),
    Column("statement", LargeBinary, nullable=False),
    Column("institution", BigInteger, nullable=False),
    Column("case_id", LargeBinary, nullable=False),
    Column("content", LargeBinary),
    Column("not_held", LargeBinary, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("expires", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Index("ix_collections_state_expires", "state", "expires"),
)

collection_places = Table(
    "collection_places",
    metadata,
    Column("collection", LargeBinary, ForeignKey("collections.id"), primary_key=True),
    Column("signer", BigInteger, primary_key=True),
    Column("role", SmallInteger, nullable=False),
    Column("institution", BigInteger, nullable=False),
    Column("signature", LargeBinary),
    Index("ix_collection_places_institution", "institution"),
)

tokens = Table(
    "tokens",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("institution", BigInteger, nullable=False),
    Column("holder", LargeBinary, nullable=False),
    Column("number", BigInteger),
    Column("scopes", Text, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("expires", BigInteger, nullable=False),
    Column("revoked", BigInteger),
    Index("ix_tokens_institution", "institution"),
)

member_keys = Table(
    "member_keys",
    metadata,
    Column("number", BigInteger, primary_key=True),
    Column("key_index", SmallInteger, primary_key=True),
    Column("x", LargeBinary, nullable=False),
    Column("y", LargeBinary, nullable=False),
    Column("z", LargeBinary, nullable=False),
    Column("institution", BigInteger, nullable=False),
    Column("role", SmallInteger, nullable=False),
    Column("custody", SmallInteger, nullable=False),
    Column("identity_root", LargeBinary, nullable=False),
    Column("valid_from", BigInteger, nullable=False),
    Column("valid_until", BigInteger, nullable=False),
    Column("compromised_since", BigInteger, nullable=False),
    Column("ended_by", SmallInteger, nullable=False),
)

institutions = Table(
    "institutions",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("role", SmallInteger, nullable=False),
    Column("voter", Boolean, nullable=False),
    Column("status", SmallInteger, nullable=False),
)

procedure_tables = Table(
    "procedure_tables",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("table_index", Integer, nullable=False),
    Column("valid_from", BigInteger, nullable=False),
    Column("valid_until", BigInteger, nullable=False),
)

closed_contracts = Table(
    "closed_contracts",
    metadata,
    Column("address", LargeBinary, primary_key=True),
    Column("successor", LargeBinary, nullable=False),
)

cards = Table(
    "cards",
    metadata,
    Column("number", BigInteger, primary_key=True),
    Column("identity_root", LargeBinary, primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
)

wrapped_keys = Table(
    "wrapped_keys",
    metadata,
    Column("owner", LargeBinary, primary_key=True),
    Column("wrapped", LargeBinary),
    Column("destroyed", BigInteger),
)

transactions = Table(
    "transactions",
    metadata,
    Column("hash", LargeBinary, primary_key=True),
    Column("sender", LargeBinary, nullable=False),
    Column("nonce", BigInteger, nullable=False),
    Column("raw", LargeBinary, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("subject", LargeBinary, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("block_number", BigInteger),
    Index("ix_transactions_subject", "subject"),
    Index("ix_transactions_state_nonce", "state", "nonce"),
)

Index(
    "uq_transactions_sender_nonce",
    transactions.c.sender,
    transactions.c.nonce,
    unique=True,
    sqlite_where=text("state <> 'abandoned'"),
    postgresql_where=text("state <> 'abandoned'"),
)

batches = Table(
    "batches",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("header", LargeBinary, nullable=False),
    Column("signature", LargeBinary, nullable=False),
    Column("digest", LargeBinary, nullable=False, unique=True),
    Column("first", BigInteger, nullable=False),
    Column("count", BigInteger, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("block_number", BigInteger),
    Column("block_time", BigInteger),
    Column("proof_height", BigInteger),
)

positions = Table(
    "positions",
    metadata,
    Column("stream", Text, primary_key=True),
    Column("number", BigInteger, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Column("time", BigInteger, nullable=False),
    Column("seen", BigInteger, nullable=False),
)

faults = Table(
    "faults",
    metadata,
    Column("id", ROW_NUMBER, primary_key=True, autoincrement=True),
    Column("code", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("since", BigInteger, nullable=False),
    Column("cleared", Boolean, nullable=False),
)

checkpoints = Table(
    "checkpoints",
    metadata,
    Column("height", BigInteger, primary_key=True, autoincrement=False),
    Column("hash", LargeBinary, nullable=False),
    Column("header", LargeBinary, nullable=False),
    Column("time", BigInteger, nullable=False),
)

account_proofs = Table(
    "account_proofs",
    metadata,
    Column("height", BigInteger, ForeignKey("checkpoints.height"), primary_key=True),
    Column("address", LargeBinary, primary_key=True),
    Column("nodes", LargeBinary, nullable=False),
)

slot_proofs = Table(
    "slot_proofs",
    metadata,
    Column("height", BigInteger, ForeignKey("checkpoints.height"), primary_key=True),
    Column("address", LargeBinary, primary_key=True),
    Column("slot", LargeBinary, primary_key=True),
    Column("nodes", LargeBinary, nullable=False),
)

cosignatures = Table(
    "cosignatures",
    metadata,
    Column("height", BigInteger, ForeignKey("checkpoints.height"), primary_key=True),
    Column("signer", BigInteger, primary_key=True),
    Column("block_hash", LargeBinary, nullable=False),
    Column("seen", BigInteger, nullable=False),
    Column("signature", LargeBinary, nullable=False),
)

forks = Table(
    "forks",
    metadata,
    Column("id", ROW_NUMBER, primary_key=True, autoincrement=True),
    Column("height", BigInteger, nullable=False),
    Column("block_hash", LargeBinary, nullable=False),
    Column("own_hash", LargeBinary, nullable=False),
    Column("signer", BigInteger, nullable=False),
    Column("seen", BigInteger, nullable=False),
    Column("signature", LargeBinary, nullable=False),
    Column("received", BigInteger, nullable=False),
    UniqueConstraint("height", "signer", "block_hash"),
)
