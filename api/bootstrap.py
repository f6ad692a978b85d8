"""The composition root: the one place that names storage, keys and chain clients, and wires the services.

Guaranteed: nothing starts unless deployment file, trust file, database, master key and operator's key belong together;
what disagrees is named. Not guaranteed: that the chain agrees; the worker compares it before its first round.
"""

import os
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from anchors.chains.relayer import create_relayer, read_relayer
from anchors.chains.rpc import RpcChain
from anchors.deployment import Deployment, read_deployment
from anchors.recover import Recovery
from anchors.recover_papers import Papers
from anchors.worker import LOCK as WORKER_LOCK
from anchors.worker import Worker
from api.settings import Home, Settings, database_of
from ledger.domain.chain_records import BlockRef
from ledger.domain.copied import Standing
from ledger.domain.records import Scope
from ledger.ports import Clock, GrowingObjects, ObjectStore, OperatorSigner, Store, Vault
from ledger.services.build_bundle import BuildBundle
from ledger.services.collect_signatures import CollectSignatures
from ledger.services.manage_signers import keep_card
from ledger.services.manage_tokens import issue_token
from ledger.services.read_file import ReadFile
from ledger.services.receive_file import ReceiveFile
from ledger.services.receive_upload import ReceiveUpload
from ledger.services.submit_statement import SubmitStatement
from ledger.storage.copying import check_target, copy_in, copy_out
from ledger.storage.database import open_engine
from ledger.storage.growing import GrowingFiles
from ledger.storage.keyring import Keyring, create_master_key, load_master_key
from ledger.storage.migrate import downgrade, upgrade
from ledger.storage.objects import EncryptedObjects
from ledger.storage.sql_store import SqlStore, open_store
from tiezheng.canonical import dumps
from tiezheng.cli.environment import for_child
from tiezheng.content import Content
from tiezheng.digest import sm3
from tiezheng.errors import Conflict, IntegrityFault, Malformed, NotFound, Refused
from tiezheng.signature import KeySigner, PrivateKey
from tiezheng.signature.keyfile import read_private_key
from tiezheng.trust import MAX_TRUST_SIZE, Trust, parse_trust

# A node that is looked at by somebody who waits: one that needs longer is as good as away.
NODE_SECONDS: Final = 10.0
_LEDGER: Final = "ledger"
_START: Final = b"tiezheng/start"


class SystemClock:
    """The machine's clock."""

    def now_ms(self) -> int:
        """See the port."""
        return time.time_ns() // 1_000_000


@dataclass(frozen=True, slots=True)
class KeyFileOperator:
    """The operator's key in memory, behind a signer that signs messages of the protocol alone."""

    number: int
    key_index: int
    signer: KeySigner

    def sign(self, message: bytes) -> bytes:
        """See the port."""
        return self.signer.sign(message)


@dataclass(frozen=True, slots=True)
class Rooms:
    """Everything that the endpoints use. `close` when the service stops."""

    store: Store
    vault: Vault
    objects: ObjectStore
    growing: GrowingObjects
    clock: Clock
    operator: OperatorSigner
    trust: Trust
    trust_bytes: bytes
    deployment: Deployment
    leaves: Path
    submit: SubmitStatement
    collect: CollectSignatures
    receive: ReceiveFile
    uploads: ReceiveUpload
    read_file: ReadFile
    bundles: BuildBundle
    sql: SqlStore

    def close(self) -> None:
        """Commit what waits, then give the database back."""
        self.submit.close()
        self.sql.close()


def open_rooms(settings: Settings, clock: Clock | None = None) -> Rooms:
    """Wire the service. Raises NotFound `config.missing`, Malformed `config.*`, `key.*`, Refused `config.disagree`,
    `config.operator_key`, IntegrityFault `vault.*`."""
    home, clock = settings.home, SystemClock() if clock is None else clock
    deployment, trust, trust_bytes = read_ledger(home)
    key = _operator_key(settings, deployment)
    sql, keyring = _open_database(home)
    try:
        _check_database(sql, keyring, deployment)
        operator = _operator(sql, deployment, key)
        objects = EncryptedObjects(str(home.objects), keyring)
        growing = GrowingFiles(home.objects, keyring)
        submit = SubmitStatement(sql, keyring, clock, operator, trust)
    except BaseException:
        sql.close()
        raise
    return Rooms(
        store=sql,
        vault=keyring,
        objects=objects,
        growing=growing,
        clock=clock,
        operator=operator,
        trust=trust,
        trust_bytes=trust_bytes,
        deployment=deployment,
        leaves=home.leaves,
        submit=submit,
        collect=CollectSignatures(sql, keyring, clock, trust, submit),
        receive=ReceiveFile(sql, objects, clock),
        uploads=ReceiveUpload(sql, growing, clock),
        read_file=ReadFile(sql, objects),
        bundles=BuildBundle(sql, keyring, clock, trust),
        sql=sql,
    )


def open_worker(settings: Settings, rpc: str | None = None) -> Worker:
    """Wire the worker. `rpc` replaces the node's address of the deployment file. Raises as `open_rooms`."""
    home = settings.home
    deployment, trust, _ = read_ledger(home)
    key = _operator_key(settings, deployment)
    relayer = read_relayer(_required(home.relayer_key))
    sql, keyring = _open_database(home)
    try:
        _check_database(sql, keyring, deployment)
        operator = _operator(sql, deployment, key)
        chain = RpcChain(deployment.rpc if rpc is None else rpc)
    except BaseException:
        sql.close()
        raise
    return Worker(
        store=sql,
        chain=chain,
        deployment=deployment,
        relayer=relayer,
        operator=operator,
        trust=trust,
        leaves=home.leaves,
        clock=SystemClock(),
    )


@contextmanager
def open_recovery(settings: Settings, rpc: str | None, papers: Papers, mirror: Path | None) -> Iterator[Recovery]:
    """Wire a recovery, and hold the worker's lock. Raises as `open_rooms`, Unavailable `service.locked`."""
    home = settings.home
    deployment, trust, _ = read_ledger(home)
    key = _operator_key(settings, deployment)
    relayer = read_relayer(_required(home.relayer_key))
    sql, keyring = _open_database(home)
    try:
        _check_database(sql, keyring, deployment)
        with sql.exclusive(WORKER_LOCK) as held:
            yield Recovery(
                store=held,
                vault=keyring,
                objects=EncryptedObjects(str(home.objects), keyring),
                chain=RpcChain(deployment.rpc if rpc is None else rpc),
                deployment=deployment,
                relayer=relayer.address,
                operator=_operator(sql, deployment, key),
                trust=trust,
                leaves=home.leaves,
                clock=SystemClock(),
                papers=papers,
                mirror=mirror,
            )
    finally:
        sql.close()


def read_ledger(home: Home) -> tuple[Deployment, Trust, bytes]:
    """Deployment and trust file of a home, which agree. Raises NotFound `config.missing`, Refused `config.disagree`."""
    deployment = read_deployment(_required(home.deployment))
    trust_bytes = _required(home.trust).read_bytes()
    if len(trust_bytes) > MAX_TRUST_SIZE + 1:
        raise Malformed("trust.format", got=str(home.trust))
    trust_bytes = trust_bytes.removesuffix(b"\n")
    trust = parse_trust(trust_bytes)
    if trust.ledger != deployment.ledger:
        raise Refused(
            "config.disagree", expected=deployment.founding, got=trust.ledger.founding, detail="trust.json: ledger"
        )
    pinned = {contract.address: (contract.role, contract.code_hash) for contract in trust.contracts}
    for role in ("institutions", "registry", "batch"):
        contract = getattr(deployment, role)
        if pinned.get(contract.address) != (role, contract.code_hash):
            raise Refused("config.disagree", expected=contract.address, detail=f"trust.json: {role}")
    return deployment, trust, trust_bytes


def migrate(home: Path) -> None:
    """Make the home's folders, its master key and its database where they are missing, and bring it up to date."""
    place = Home(home)
    for folder in (place.root, place.master_key.parent, place.objects, place.leaves):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not place.master_key.exists():
        if place.database.exists():
            raise NotFound("config.missing", got=str(place.master_key))
        create_master_key(place.master_key)
    sql, _ = _open_database(place)
    sql.close()


def issue_token_in(
    home: Path, institution: int, holder: str, scopes: Collection[str], life_ms: int, number: int | None = None
) -> str:
    """A new token's text, shown this once; also while the service runs. Raises Malformed `token.*`."""
    try:
        chosen = {Scope(scope) for scope in scopes}
    except ValueError as error:
        raise Malformed("token.scope") from error
    sql, keyring = _open_database(Home(home))
    try:
        return issue_token(sql, keyring, SystemClock(), institution, holder, chosen, life_ms, number)
    finally:
        sql.close()


def put_cards(home: Path, cards: Sequence[tuple[int, int, Content]]) -> None:
    """Keep private identity cards, each (number, institution, card), of signers that the chain may not show yet."""
    sql, keyring = _open_database(Home(home))
    try:
        for number, institution, card in cards:
            keep_card(sql, keyring, number, institution, card)
    finally:
        sql.close()


def open_tokens(home: Path) -> tuple[SqlStore, Vault, Clock]:
    """What the token commands need. The caller closes the store."""
    sql, keyring = _open_database(Home(home))
    return sql, keyring, SystemClock()


def open_unchanged(home: Home) -> SqlStore:
    """The database as it is, brought up to nothing. Raises NotFound `config.missing`, Malformed `config.value`."""
    place = database_of(home)
    return SqlStore(open_engine(f"sqlite:///{_required(place)}" if isinstance(place, Path) else place))


def copy_database(home: Home, folder: Path) -> tuple[Path, Standing]:
    """All rows as they stand now, as a file in `folder`. Raises as `ledger.storage.copying.copy_out`."""
    return copy_out(database_of(home), folder, for_child())


def check_empty(home: Home, rows: str) -> None:
    """Raises what keeps the copy named `rows` from being put into the home's database."""
    check_target(rows, database_of(home))


def fill_database(home: Home, rows: Path) -> None:
    """A new database out of a copy. Raises as `ledger.storage.copying.copy_in`."""
    copy_in(rows, database_of(home), for_child())


def change_revision(home: Home, to: str | None) -> None:
    """Bring the database up to date, or back to a revision while no worker runs. Raises Unavailable `service.locked`,
    Refused `config.database`."""
    sql = open_unchanged(home)
    try:
        if to is None:
            upgrade(sql.engine)
        else:
            with sql.exclusive(WORKER_LOCK):
                downgrade(sql.engine, to)
    finally:
        sql.close()


def open_node(url: str) -> RpcChain:
    """A node by its address. Raises Malformed `config.value`."""
    return RpcChain(url, timeout_seconds=NODE_SECONDS)


def operator_key(settings: Settings, deployment: Deployment) -> PrivateKey:
    """The operator's key, opened. Raises NotFound `config.missing`, Malformed `key.*`."""
    return _operator_key(settings, deployment)


def relayer_address(home: Home) -> bytes:
    """The address of the account that sends transactions."""
    return read_relayer(_required(home.relayer_key)).address


def open_relayer(home: Home) -> tuple[bytes, int]:
    """The account's address, and how many of its transactions are on their way."""
    account = read_relayer(_required(home.relayer_key))
    sql, _ = _open_database(home)
    try:
        with sql.read() as tables:
            return account.address, len(tables.transactions.open(account.address))
    finally:
        sql.close()


def replace_relayer(home: Home, kept: str, abandon: bool) -> tuple[bytes, bytes]:
    """A new account in the place of the old one, whose key file stays under the name `kept`; both addresses.

    With `abandon`, its transactions on their way are given up, and the new account sends what they carried: the
    contracts record nothing twice; the old key may be lost then, and its address is given as empty. Raises Conflict
    `config.relayer_open`, NotFound `config.missing`, Unavailable `service.locked`.
    """
    lost = abandon and not home.relayer_key.is_file()
    old = b"" if lost else relayer_address(home)
    sql, _ = _open_database(home)
    try:
        with sql.exclusive(WORKER_LOCK) as held:
            with held.write() as tables:
                senders = tables.transactions.senders() if lost else [old]
                rows = [row for sender in senders for row in tables.transactions.open(sender)]
                if rows and not abandon:
                    raise Conflict("config.relayer_open", got=len(rows))
                for row in rows:
                    tables.transactions.mark_abandoned(row.hash)
                tables.statements.mark_unsent([row.subject for row in rows])
            if not lost:
                home.relayer_key.rename(home.relayer_key.with_name(kept))
            return old, create_relayer(home.relayer_key).address
    finally:
        sql.close()


def _required(path: Path) -> Path:
    if not path.is_file():
        raise NotFound("config.missing", got=str(path))
    return path


def _operator_key(settings: Settings, deployment: Deployment) -> PrivateKey:
    number = deployment.operator
    return read_private_key(_required(settings.home.key(number)), settings.operator_password(number))


def _open_database(home: Home) -> tuple[SqlStore, Keyring]:
    master_key = load_master_key(_required(home.master_key))
    place = database_of(home)
    sql = open_store(place)
    if isinstance(place, Path):
        place.chmod(0o600)
    return sql, Keyring(sql.engine, master_key)


def _check_database(sql: SqlStore, keyring: Keyring, deployment: Deployment) -> None:
    """The database is this ledger's, or fresh, and the master key is the one that it was written with."""
    identity = BlockRef(0, sm3(dumps(deployment.ledger.to_json())), 0)
    with sql.write() as tables:
        known = tables.chain.position(_LEDGER)
        if known is None:
            tables.chain.move(_LEDGER, identity)
    if known is not None and known.hash != identity.hash:
        raise Refused("config.disagree", detail="database: ledger")
    try:
        keyring.seal_for(deployment.operator, _START, os.urandom(16))
    except IntegrityFault as error:
        raise Refused("config.disagree", detail=f"master.key: {error.code}") from error


def _operator(sql: SqlStore, deployment: Deployment, key: PrivateKey) -> KeyFileOperator:
    """The operator with the index of this key; index 0 while the worker has not read the chain yet."""
    with sql.read() as tables:
        known = tables.members.keys(deployment.operator)
    public = key.public.to_bytes()
    index = next((row.key_index for row in known if row.x + row.y == public), None)
    if known and index is None:
        raise Refused("config.operator_key", got=deployment.operator)
    return KeyFileOperator(deployment.operator, index or 0, KeySigner(key))
