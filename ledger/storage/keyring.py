"""Keys at rest: a key for each case, wrapped by its institution's key, wrapped by the master key.

Guaranteed: keys are 16 random bytes from the system's source, stored only wrapped (SM4-GCM with the owner in the
associated data, so that wrapped keys cannot change places); a destroyed key leaves a row that says so. Not guaranteed:
secrecy against whoever holds both the database and the master key, or reads this process's memory.

A sealed value is nonce (12 random bytes) ‖ ciphertext ‖ tag (16), under a sub-key for columns; objects have a sub-key
each (HKDF with SM3), so that no two uses share a nonce space.
"""

import os
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy import Connection, Engine, select

from ledger.storage.database import reading, writing
from ledger.storage.envelope import KEY_SIZE, TAG_SIZE
from ledger.storage.rows import add_missing, insert_new, put
from ledger.storage.tables import wrapped_keys
from tiezheng.errors import IntegrityFault, Malformed, NotFound
from tiezheng.statement import case_owner

NONCE_SIZE: Final = 12
# Unwrapped keys kept in memory: enough for the cases that are worked on at a time.
CACHE_SIZE: Final = 4096
CASE_OWNER: Final = b"case:"
INSTITUTION_OWNER: Final = b"institution:"


class Keyring:
    """`ledger.ports.Vault` over the database's table of wrapped keys. Safe to share between threads.

    Making a key writes to the database in a transaction of its own: never call from within another write.
    """

    def __init__(self, engine: Engine, master_key: bytes) -> None:
        if len(master_key) != KEY_SIZE:
            raise Malformed("key.length", expected=KEY_SIZE, got=len(master_key))
        self._engine = engine
        self._master_key = master_key
        self._cache: OrderedDict[bytes, bytes] = OrderedDict()
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return "Keyring()"

    def seal(self, case: bytes, label: bytes, plain: bytes) -> bytes:
        """See the port."""
        return seal_value(_column_key(self._case_key(case, make=True)), label, plain)

    def seal_first(self, case: bytes, label: bytes, plain: bytes, wrapped: bytes | None) -> tuple[bytes, bytes | None]:
        """See the port."""
        above = self._institution_key(case_owner(case), make=True)
        owner, fresh = CASE_OWNER + case, None
        if wrapped is None:
            key = os.urandom(KEY_SIZE)
            fresh = seal_value(above, owner, key)
        else:
            key = open_value(above, owner, wrapped)
        return seal_value(_column_key(key), label, plain), fresh

    def open(self, case: bytes, label: bytes, sealed: bytes) -> bytes:
        """See the port."""
        return open_value(_column_key(self._case_key(case, make=False)), label, sealed)

    def seal_for(self, institution: int, label: bytes, plain: bytes) -> bytes:
        """See the port."""
        return seal_value(_column_key(self._institution_key(institution, make=True)), label, plain)

    def open_for(self, institution: int, label: bytes, sealed: bytes) -> bytes:
        """See the port."""
        return open_value(_column_key(self._institution_key(institution, make=False)), label, sealed)

    def object_key(self, case: bytes, name: bytes, *, make: bool) -> bytes:
        """The key of one object of a case."""
        return derive(self._case_key(case, make=make), b"tiezheng/object" + name)

    def destroy_case_key(self, case: bytes, at_ms: int) -> None:
        """Make every content and file of a case unreadable for ever; the row that says so stays."""
        owner = CASE_OWNER + case
        with writing(self._engine) as connection:
            put(connection, wrapped_keys, {"owner": owner, "wrapped": None, "destroyed": at_ms})
        with self._lock:
            self._cache.pop(owner, None)

    def _case_key(self, case: bytes, *, make: bool) -> bytes:
        owner = CASE_OWNER + case
        cached = self._cached(owner)
        if cached is not None:
            return cached
        return self._unwrapped(owner, self._institution_key(case_owner(case), make=make), make=make)

    def _institution_key(self, institution: int, *, make: bool) -> bytes:
        owner = INSTITUTION_OWNER + institution.to_bytes(4, "big")
        cached = self._cached(owner)
        return self._unwrapped(owner, self._master_key, make=make) if cached is None else cached

    def _cached(self, owner: bytes) -> bytes | None:
        with self._lock:
            if owner not in self._cache:
                return None
            self._cache.move_to_end(owner)
            return self._cache[owner]

    def _unwrapped(self, owner: bytes, above: bytes, *, make: bool) -> bytes:
        query = select(wrapped_keys.c.wrapped, wrapped_keys.c.destroyed).where(wrapped_keys.c.owner == owner)
        with reading(self._engine) as connection:
            row = connection.execute(query).one_or_none()
        if row is None and make:
            with writing(self._engine) as connection:
                fresh = {"owner": owner, "wrapped": seal_value(above, owner, os.urandom(KEY_SIZE)), "destroyed": None}
                insert_new(connection, wrapped_keys, [fresh])
                row = connection.execute(query).one()
        if row is None:
            raise IntegrityFault("vault.key_missing")
        if row.wrapped is None:
            raise NotFound("content.erased")
        key = open_value(above, owner, row.wrapped)
        with self._lock:
            self._cache[owner] = key
            if len(self._cache) > CACHE_SIZE:
                self._cache.popitem(last=False)
        return key


class SqlCaseKeys:
    """`ledger.ports.CaseKeys` on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get_many(self, cases: Sequence[bytes]) -> dict[bytes, bytes | None]:
        """See the port."""
        query = select(wrapped_keys.c.owner, wrapped_keys.c.wrapped)
        rows = self._connection.execute(query.where(wrapped_keys.c.owner.in_([CASE_OWNER + case for case in cases])))
        return {row.owner[len(CASE_OWNER) :]: row.wrapped for row in rows}

    def add(self, keys: Mapping[bytes, bytes]) -> dict[bytes, bytes]:
        """See the port."""
        if not keys:
            return {}
        rows = [{"owner": CASE_OWNER + case, "wrapped": wrapped, "destroyed": None} for case, wrapped in keys.items()]
        add_missing(self._connection, wrapped_keys, rows)
        return {case: wrapped for case, wrapped in self.get_many(list(keys)).items() if wrapped is not None}


def seal_value(key: bytes, label: bytes, plain: bytes) -> bytes:
    """nonce ‖ ciphertext ‖ tag; `label` is bound and not stored."""
    nonce = os.urandom(NONCE_SIZE)
    encryptor = Cipher(algorithms.SM4(key), modes.GCM(nonce)).encryptor()
    encryptor.authenticate_additional_data(label)
    return nonce + encryptor.update(plain) + encryptor.finalize() + encryptor.tag


def open_value(key: bytes, label: bytes, sealed: bytes) -> bytes:
    """The plaintext. Raises IntegrityFault `vault.corrupt` for an altered value, a wrong label or key."""
    if len(sealed) < NONCE_SIZE + TAG_SIZE:
        raise IntegrityFault("vault.corrupt", expected=f"{NONCE_SIZE + TAG_SIZE} or more", got=len(sealed))
    decryptor = Cipher(algorithms.SM4(key), modes.GCM(sealed[:NONCE_SIZE], sealed[-TAG_SIZE:])).decryptor()
    decryptor.authenticate_additional_data(label)
    plain = decryptor.update(sealed[NONCE_SIZE:-TAG_SIZE])
    try:
        return plain + decryptor.finalize()
    except InvalidTag as error:
        raise IntegrityFault("vault.corrupt") from error


def derive(key: bytes, label: bytes) -> bytes:
    """A sub-key of 16 bytes: HKDF with SM3 (RFC 5869)."""
    return HKDF(algorithm=hashes.SM3(), length=KEY_SIZE, salt=None, info=label).derive(key)


def _column_key(key: bytes) -> bytes:
    return derive(key, b"tiezheng/column")


def create_master_key(path: Path) -> bytes:
    """A new master key in a file that only its owner reads. Raises Malformed `file.exists`; never overwrites."""
    key = os.urandom(KEY_SIZE)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise Malformed("file.exists", got=path.name) from error
    with os.fdopen(descriptor, "w") as file:
        file.write(key.hex() + "\n")
        file.flush()
        os.fsync(file.fileno())
    return key


def load_master_key(path: Path) -> bytes:
    """The master key (32 hexadecimal digits). Raises Malformed `key.file_format`, NotFound `file.not_found`."""
    try:
        text = path.read_text().strip()
    except FileNotFoundError as error:
        raise NotFound("file.not_found", got=path.name) from error
    try:
        key = bytes.fromhex(text)
    except ValueError as error:
        raise Malformed("key.file_format", got=path.name) from error
    if len(key) != KEY_SIZE:
        raise Malformed("key.length", expected=KEY_SIZE, got=len(key))
    return key
