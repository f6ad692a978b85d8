"""The HTTP client of the service: bytes that were signed go out as they are, answers come back as kernel objects.

Guaranteed: as in `tiezheng.client.transport`. Not guaranteed: that an answer is true. Receipts, bundles and files are
checked by the kernel against a trust file, not by this module; what it compares is the evidence id of a receipt and the
digests of a file.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Final, Self

import httpx

from tiezheng.canonical import dumps
from tiezheng.client.transport import Json, Transport
from tiezheng.client.uploads import PIECE_SIZE, RESUMABLE_FROM_BYTES, begin_upload, continue_upload
from tiezheng.content import Content, to_private_json
from tiezheng.digest import FileDigests, digest_file, new_sm3
from tiezheng.errors import NotFound, Unavailable, VerificationFailed
from tiezheng.json_members import MAX_INTEGER, read_hex, read_integer
from tiezheng.receipt import ReceiptFile, parse_receipt_file
from tiezheng.signature import Signature
from tiezheng.statement import SignedStatement, Statement

# A leaves file of 65,536 statements with eight signatures each.
MAX_LEAVES: Final = 1 << 26


@dataclass(frozen=True, slots=True)
class LedgerView:
    """What a client needs of GET /ledger: digests of 32 bytes, the operator's number, contract ids by role.

    `contract_ids` has "institutions", "registry" and "batch"; `raw` is the whole answer. Taken from the service:
    whoever signs compares it with a trust file first.
    """

    chain_id: int
    founding: bytes
    genesis: bytes
    operator: int
    contract_ids: Mapping[str, bytes]
    raw: Mapping[str, Any]


class Client:
    """One service. Safe to share between threads. `service` is "http://127.0.0.1:8321", without /v1."""

    def __init__(
        self,
        service: str,
        token: str | None = None,
        *,
        timeout_seconds: float = 30.0,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._transport = Transport(service, token, timeout_seconds=timeout_seconds, transport=transport)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the connections back."""
        self._transport.close()

    # The ledger --------------------------------------------------------------------------------------------------

    def health(self) -> Json:
        """State of service, worker and chain. One attempt, so that a caller may poll."""
        return self._transport.json("GET", "/health", attempts=1)

    def ledger(self) -> LedgerView:
        """Which ledger this is."""
        raw = self._transport.json("GET", "/ledger")
        contracts = _member(raw, "contracts")
        return LedgerView(
            chain_id=read_integer(raw.get("chain_id"), "chain_id"),
            founding=read_hex(raw.get("founding"), "founding", 32),
            genesis=read_hex(raw.get("genesis"), "genesis", 32),
            operator=read_integer(raw.get("operator"), "operator"),
            contract_ids={
                role: read_hex(_member(contracts, role).get("id"), role, 32)
                for role in ("institutions", "registry", "batch")
            },
            raw=raw,
        )

    def trust(self) -> bytes:
        """The trust file that the service itself uses. Rely on one that you received another way."""
        return self._transport.body("GET", "/trust")

    # Writing -----------------------------------------------------------------------------------------------------

    def submit(
        self, signed: SignedStatement, content: Content | None, *, not_held: Sequence[bytes] = ()
    ) -> ReceiptFile:
        """Hand in a statement; `not_held` are SM3s of attachments that the institution keeps itself.

        The same statement again gives the receipt that was given first, whose signatures may be others than these.
        Raises VerificationFailed `receipt.mismatch` for a receipt of another statement.
        """
        members = {"signatures": [one.to_bytes().hex() for one in signed.signatures]}
        answer = self._transport.json(
            "POST", "/statements", content=_body(signed.statement, content, not_held, members)
        )
        receipt = parse_receipt_file(dumps(_member(answer, "receipt")))
        if receipt.receipt.statement != signed.digest:
            raise VerificationFailed("receipt.mismatch", expected=signed.digest, got=receipt.receipt.statement)
        return receipt

    def upload(
        self,
        case: bytes,
        path: Path,
        media_type: str,
        *,
        sm3: bytes | None = None,
        digests: FileDigests | None = None,
        progress: Callable[[int], None] | None = None,
        upload: str | None = None,
    ) -> FileDigests:
        """Stream a file into a case. `sm3` is a claim that the service checks; `progress` gets the bytes sent so far.

        Whoever knows the file's `digests` gives them instead: they are the claim and what the answer is compared with,
        and the file is not hashed again on its way.

        A file of `RESUMABLE_FROM_BYTES` or more goes on after a cut, and `upload`, one of `uploads()`, goes on at once;
        `progress` then may step back to what is durable.

        Raises VerificationFailed `file.digest_mismatch` where the service took in other bytes than were sent.
        """
        if upload is not None or path.stat().st_size >= RESUMABLE_FROM_BYTES:
            known = digest_file(path) if digests is None else digests
            if upload is None:
                upload = begin_upload(self._transport, case, known.size, media_type, sm3 or known.sm3)
            return continue_upload(self._transport, upload, path, known, progress)
        headers = {"Content-Type": media_type, "Content-Length": str(path.stat().st_size)}
        claim = sm3 if digests is None else digests.sm3
        if claim is not None:
            headers["Tiezheng-Sm3"] = claim.hex()
        sent = _Sent(path, digests, progress)
        answer = self._transport.json("PUT", f"/cases/{case.hex()}/files", stream=sent.chunks, headers=headers)
        taken = FileDigests(
            read_integer(answer.get("size"), "size", MAX_INTEGER),
            read_hex(answer.get("sm3"), "sm3", 32),
            read_hex(answer.get("sha256"), "sha256", 32),
        )
        if taken != sent.digests():
            raise VerificationFailed("file.digest_mismatch", expected=sent.digests().sm3, got=taken.sm3)
        return taken

    def uploads(self, case: bytes | None = None) -> list[Json]:
        """The institution's open uploads and those that ended in the last days: `id`, `case`, `size`, `offset`,
        `complete`, `sm3`, `expires`, …"""
        return _list(
            self._transport.json("GET", "/uploads", query={} if case is None else {"case": case.hex()}), "uploads"
        )

    def download(self, case: bytes, sm3: bytes, writer: BinaryIO) -> None:
        """Write a case's file to `writer`. Raises VerificationFailed `file.digest_mismatch` after the last byte."""
        digest = new_sm3()
        with self._transport.answer("GET", f"/cases/{case.hex()}/files/{sm3.hex()}") as response:
            for chunk in response.iter_bytes():
                digest.update(chunk)
                writer.write(chunk)
        if digest.digest() != sm3:
            raise VerificationFailed("file.digest_mismatch", expected=sm3, got=digest.digest())

    # Reading -----------------------------------------------------------------------------------------------------

    def statement(self, digest: bytes) -> Json:
        """Members `digest`, `status` (accepted, sent, anchored, final, refused), `case`, `sequence`, `kind`, …"""
        return self._transport.json("GET", f"/statements/{digest.hex()}")

    def receipt(self, digest: bytes) -> bytes:
        """The receipt file."""
        return self._transport.body("GET", f"/statements/{digest.hex()}/receipt")

    def refusal(self, digest: bytes) -> bytes:
        """The refusal file. Raises NotFound `evidence.not_found` where there is none."""
        return self._transport.body("GET", f"/statements/{digest.hex()}/refusal")

    def refusals(self, *, limit: int = 50, before: bytes | None = None) -> tuple[list[Json], str | None]:
        """What the chain refused, refused last first, and the `before` of the next page (hex) or None. Members as of a
        statement, with `reason`, `refused` and the signed `refusal`; see `tiezheng.client.refusals`."""
        query: dict[str, str | int] = {"limit": limit} if before is None else {"limit": limit, "before": before.hex()}
        answer = self._transport.json("GET", "/refusals", query=query)
        following = answer.get("next")
        return _list(answer, "refusals"), following if isinstance(following, str) else None

    def bundle(
        self,
        digest: bytes,
        *,
        names: bool = True,
        whole_case: bool = True,
        record: int | None = None,
        pending: bool = False,
    ) -> bytes:
        """The bundle's bytes. Raises Conflict `bundle.not_final` while it is not final and `pending` is False."""
        query: dict[str, str | int] = {
            "names": _word(names),
            "whole_case": _word(whole_case),
            "pending": _word(pending),
        }
        if record is not None:
            query["record"] = record
        return self._transport.body("GET", f"/statements/{digest.hex()}/bundle", query=query)

    def cases(self, *, limit: int = 50, before_ms: int | None = None, kind: int | None = None) -> list[Json]:
        """Cases that the token's institution takes part in, last changed first; `before_ms` pages on `updated`."""
        query = {"limit": limit, "before_ms": before_ms, "kind": kind}
        answer = self._transport.json(
            "GET", "/cases", query={name: value for name, value in query.items() if value is not None}
        )
        return _list(answer, "cases")

    def case(self, case: bytes) -> Json:
        """The case and its statements: `case`, `procedure`, `state`, `closed`, `sequence`, `last`, `participants`,
        `statements` (each `digest`, `kind`, `sequence`, `occurred`, `status`, …)."""
        return self._transport.json("GET", f"/cases/{case.hex()}")

    def lookup(self, sm3: bytes) -> list[Json]:
        """What anyone may learn of a file: `digest`, `institution`, `kind`, `status`, `block_time`."""
        return _list(self._transport.json("GET", f"/lookup/{sm3.hex()}"), "statements")

    # Collections of signatures -----------------------------------------------------------------------------------

    def open_collection(
        self,
        statement: Statement,
        plan: Sequence[tuple[int, int]],
        content: Content,
        signatures: Sequence[Signature] = (),
        *,
        not_held: Sequence[bytes] = (),
    ) -> Json:
        """Fix the bytes and the plan [(signer, role), …]. Answer as `collection`."""
        members = {"plan": [list(place) for place in plan], "signatures": [one.to_bytes().hex() for one in signatures]}
        return self._transport.json(
            "POST", "/collections", content=_body(statement, content, not_held, members), attempts=1
        )

    def collections(self) -> list[Json]:
        """Those that the token's institution opened or that wait for one of its signers."""
        return _list(self._transport.json("GET", "/collections"), "collections")

    def collection(self, collection: str) -> Json:
        """`id`, `statement` (hex), `plan`, `content` (private, an object), `signed` (numbers), `state`, `expires`, and
        `receipt` once submitted."""
        return self._transport.json("GET", f"/collections/{_path_word(collection)}")

    def sign_collection(self, collection: str, signature: Signature) -> Json:
        """`state` is open or submitted; with the last signature also `digest` and `receipt`."""
        body = dumps({"signature": signature.to_bytes().hex()})
        return self._transport.json("POST", f"/collections/{_path_word(collection)}/signatures", content=body)

    # Public ------------------------------------------------------------------------------------------------------

    def batches(self, *, before: int | None = None, limit: int = 50) -> list[Json]:
        """Sealed batches, latest first."""
        query = {"limit": limit} if before is None else {"limit": limit, "before": before}
        return _list(self._transport.json("GET", "/batches", query=query), "batches")

    def leaves(self, number: int) -> bytes:
        """The leaves file of a batch (SPEC §6)."""
        return self._transport.body("GET", f"/batches/{number}/leaves", most=MAX_LEAVES)

    def checkpoints(self, *, before: int | None = None, limit: int = 50) -> list[Json]:
        """Checkpoints with their cosignatures, highest first."""
        query = {"limit": limit} if before is None else {"limit": limit, "before": before}
        return _list(self._transport.json("GET", "/checkpoints", query=query), "checkpoints")

    def forks(self) -> list[Json]:
        """Proofs of forks (SPEC §14), as parsed JSON."""
        return _list(self._transport.json("GET", "/forks"), "forks")

    def latest_checkpoint(self) -> Json:
        """`height`, `hash`, `header`, `time`, `cosignatures`. Raises NotFound `checkpoint.not_found` before any."""
        return self._transport.json("GET", "/checkpoints/latest")

    def checkpoint(self, height: int) -> Json:
        """As `latest_checkpoint`."""
        return self._transport.json("GET", f"/checkpoints/{height}")

    def cosign(self, height: int, block_hash: bytes, seen_ms: int, signature: Signature) -> Json:
        """Hand in a witness's cosignature (SPEC §9); the same one again is no change."""
        members = {
            "block_hash": block_hash.hex(),
            "height": height,
            "seen": seen_ms,
            "signature": signature.to_bytes().hex(),
        }
        return self._transport.json("POST", "/cosignatures", content=dumps(members))

    def signer(self, number: int) -> Json:
        """A member's keys, and what is public of it: `number`, `keys`."""
        return self._transport.json("GET", f"/signers/{number}")

    def put_card(self, number: int, card: Content) -> None:
        """Deposit the private identity card of the institution or of one of its practitioners."""
        self._transport.json("PUT", f"/signers/{number}/card", content=to_private_json(card))


class _Sent:
    """A file on its way; `digests` are those that were known, else those of what was sent last."""

    def __init__(self, path: Path, known: FileDigests | None, progress: Callable[[int], None] | None) -> None:
        self._path = path
        self._known = known
        self._progress = progress
        self._digests: FileDigests | None = None

    def chunks(self) -> Iterator[bytes]:
        sm3, sha256, size = new_sm3(), hashlib.sha256(), 0
        with self._path.open("rb", buffering=0) as file:
            while chunk := file.read(PIECE_SIZE):
                if self._known is None:
                    sm3.update(chunk)
                    sha256.update(chunk)
                size += len(chunk)
                yield chunk
                if self._progress is not None:
                    self._progress(size)
        self._digests = self._known or FileDigests(size, sm3.digest(), sha256.digest())

    def digests(self) -> FileDigests:
        if self._digests is None:  # an answer came before the last byte was sent
            raise Unavailable("service.answer", detail="answered before the whole file was sent")
        return self._digests


def _body(
    statement: Statement, content: Content | None, not_held: Sequence[bytes], members: Mapping[str, Any]
) -> bytes:
    """A request whose content is joined as bytes: no second copy of a record set is made as objects."""
    rest = {**members, "not_held": [one.hex() for one in not_held], "statement": statement.to_bytes().hex()}
    private = b"null" if content is None else to_private_json(content)
    return b'{"content":' + private + b"," + dumps(rest)[1:]


def _member(value: Mapping[str, Any], name: str) -> Json:
    member = value.get(name)
    if not isinstance(member, dict):
        raise Unavailable("service.answer", detail=f"no {name}")
    return member


def _list(value: Mapping[str, Any], name: str) -> list[Json]:
    items = value.get(name)
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise Unavailable("service.answer", detail=f"no {name}")
    return items


def _word(value: bool) -> str:
    return "true" if value else "false"


def _path_word(word: str) -> str:
    """An id that goes into a path. Raises NotFound `collection.not_found` for what cannot be one."""
    if not 0 < len(word) <= 64 or not word.isalnum() or not word.isascii():
        raise NotFound("collection.not_found", got=word[:64])
    return word
