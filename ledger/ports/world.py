"""The world outside the store: clock, operator's signer, vault, encrypted objects.

Guaranteed: see each Protocol. Not guaranteed: where keys live or objects lie; the composition root decides that.
"""

from collections.abc import Iterator
from typing import Protocol

from ledger.domain.records import Mark


class Clock(Protocol):
    """The time; each operation asks once."""

    def now_ms(self) -> int:
        """Milliseconds since 1970-01-01T00:00:00Z."""
        ...


class OperatorSigner(Protocol):
    """The operator's key: signs receipts, batch headers and refusals, never statements of others."""

    @property
    def number(self) -> int:
        """The operator's institution number."""
        ...

    @property
    def key_index(self) -> int:
        """Index of the key in use."""
        ...

    def sign(self, message: bytes) -> bytes:
        """`r ‖ s` (64 bytes) over the 81 bytes of SPEC §2.2."""
        ...


class Vault(Protocol):
    """Encryption at rest under a key per case (or per institution), wrapped by keys above it.

    `label` names what is sealed (for example b"content" ‖ digest) and must be given again to open: ciphertexts cannot
    change places. Raises IntegrityFault `vault.corrupt` for altered ciphertext, NotFound `content.erased` once a key is
    destroyed.
    """

    def seal(self, case: bytes, label: bytes, plain: bytes) -> bytes:
        """Ciphertext under the case's key, which is made at first use."""
        ...

    def seal_first(self, case: bytes, label: bytes, plain: bytes, wrapped: bytes | None) -> tuple[bytes, bytes | None]:
        """Ciphertext under the case's key, which is stored as `wrapped`; without one, a key is made and given too, to
        be stored in the same transaction as the ciphertext."""
        ...

    def open(self, case: bytes, label: bytes, sealed: bytes) -> bytes:
        """The plaintext again."""
        ...

    def seal_for(self, institution: int, label: bytes, plain: bytes) -> bytes:
        """Ciphertext under the institution's own key (identity cards, labels of tokens)."""
        ...

    def open_for(self, institution: int, label: bytes, sealed: bytes) -> bytes:
        """The plaintext again."""
        ...


class ObjectWriter(Protocol):
    """One encrypted object while it is written. Nothing is readable before `commit`; `abort` leaves nothing behind."""

    @property
    def name(self) -> str:
        """Its random name."""
        ...

    def write(self, chunk: bytes) -> None:
        """Append plaintext of any length."""
        ...

    def commit(self) -> None:
        """Seal the last frame and make the object durable."""
        ...

    def abort(self) -> None:
        """Drop the object. Harmless after `commit`."""
        ...


class ObjectStore(Protocol):
    """Encrypted evidence files. Constant memory; names say nothing."""

    def create(self, case: bytes) -> ObjectWriter:
        """A new object under a key of the case."""
        ...

    def read(self, case: bytes, name: str) -> Iterator[bytes]:
        """Plaintext in pieces of at most 1 MiB, each authenticated before it is given out.

        Raises IntegrityFault `object.corrupt` (also at the end, when truncated), `object.missing`.
        """
        ...

    def remove(self, name: str) -> None:
        """Delete an object that no row names; harmless if it is not there."""
        ...

    def names(self) -> Iterator[str]:
        """All committed objects, for the audit."""
        ...


class GrowingObject(Protocol):
    """One encrypted object that arrives in several goes, held by one writer. `close` frees it.

    Raises Unavailable `object.store` where the disk is full or fails; then `forget`, and go on from the last mark.
    """

    def begin(self, mark: Mark) -> None:
        """Go on behind `mark`; what lies there is cut off. Raises IntegrityFault `object.corrupt` where less is there
        than was durable once."""
        ...

    def write(self, chunk: bytes) -> None:
        """Append plaintext of any length."""
        ...

    def mark(self, *, rest: bool) -> Mark:
        """Make whole frames durable, with `rest` everything; how far that reaches."""
        ...

    def forget(self) -> Mark:
        """Drop what came after the last mark, and write no more; that mark."""
        ...

    def read(self) -> Iterator[bytes]:
        """The plaintext so far, as `ObjectStore.read` gives it."""
        ...

    def commit(self) -> None:
        """Let the object, which is whole, appear under its name. Harmless if it did."""
        ...

    def discard(self) -> None:
        """Remove the object."""
        ...

    def close(self) -> None:
        """Let others hold it."""
        ...


class GrowingObjects(Protocol):
    """Objects that arrive in several goes, in the store that `ObjectStore` reads."""

    def new_name(self) -> str:
        """A random name."""
        ...

    def hold(self, case: bytes, name: str, size: int, *, fresh: bool) -> GrowingObject | None:
        """The object of `size` bytes of plaintext, made if `fresh`; None if it is not there. Raises Conflict
        `upload.busy` while another writer holds it, Unavailable `object.store`."""
        ...
