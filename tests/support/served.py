"""A founded home on disk and the HTTP service over it: real database, files, keys and sockets."""

import json
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from sqlalchemy import inspect, text

from anchors.deployment import Contract, Deployment
from api.app import make_app
from api.bootstrap import Rooms, issue_token_in, migrate, open_rooms
from api.line import line_settings
from api.serving import listen
from api.settings import Home, Settings, database_of
from ledger.domain.records import InstitutionRow, KeyRow, TableRow
from ledger.storage.sql_store import open_store
from tests.support.world import BATCH, INSTITUTIONS, OFFICE, OPERATOR, REGISTRY, START, Filed, World, table_index
from tiezheng.client import Client
from tiezheng.content import to_private_json
from tiezheng.errors import CATALOGUE
from tiezheng.governance import NO_END
from tiezheng.procedures import load_procedures
from tiezheng.signature import z_value
from tiezheng.signature.keyfile import write_private_key

PASSWORD = b"only for tests"
DAY_MS = 86_400_000
ALL_SCOPES = ("submit", "read", "names", "admin")
VERIFIER, KEYS = b"\x44" * 20, b"\x55" * 20


@dataclass
class SetClock:
    """A clock that stands until it is set."""

    now: int = (START + 100) * 1000

    def now_ms(self) -> int:
        return self.now


def deployment_of(world: World) -> Deployment:
    """The deployment file of the simulated chain."""

    def contract(address: bytes) -> Contract:
        return Contract(address, world.contract(address), world.code.get(address, b"\x01" * 32), 3)

    return Deployment(
        chain_id=world.chain_id,
        genesis=world.ledger.genesis,
        rpc="http://127.0.0.1:1",
        founding=world.ledger.founding,
        institutions=contract(INSTITUTIONS),
        registry=contract(REGISTRY),
        batch=contract(BATCH),
        verifier=contract(VERIFIER),
        keys=contract(KEYS),
        domain=1,
        operator=OPERATOR,
        checkpoint_interval=4,
    )


def found_home(root: Path, world: World, address: str | None = None) -> Home:
    """The files that a founding leaves, and what a worker read of the chain's members; `address` is PostgreSQL's."""
    home = Home(root)
    if address is not None:
        home.database_url.parent.mkdir(parents=True, mode=0o700)
        home.database_url.touch(mode=0o600)
        home.database_url.write_text(address + "\n")
    migrate(root)
    home.deployment.write_bytes(deployment_of(world).to_bytes())
    home.trust.write_bytes(world.trust().to_bytes())
    home.key(OPERATOR).parent.mkdir()
    write_private_key(home.key(OPERATOR), world.members[OPERATOR, 0].key, PASSWORD)
    home.password(OPERATOR).write_bytes(PASSWORD + b"\n")
    learn_members(home, world)
    return home


def learn_members(home: Home, world: World) -> None:
    """As the worker does with the chain's events."""
    with closing(open_store(database_of(home, {}))) as store, store.write() as tables:
        for (number, index), member in world.members.items():
            public = member.key.public.to_bytes()
            tables.members.put_key(
                KeyRow(
                    number=number,
                    key_index=index,
                    x=public[:32],
                    y=public[32:],
                    z=z_value(member.key.public),
                    institution=member.institution,
                    role=member.role,
                    custody=member.custody,
                    identity_root=member.card.root,
                    valid_from=member.valid_from,
                    valid_until=member.valid_until,
                )
            )
            if number == member.institution:
                tables.members.put_institution(InstitutionRow(number, member.role, voter=True))
        for procedure in load_procedures():
            if procedure.domain == 1:
                digest = procedure.table_digest
                tables.registries.put_table(TableRow(digest, table_index(digest), 0, NO_END))


@dataclass
class Served:
    """A running service; `http` sends raw requests, `client` is the product's own."""

    home: Home
    world: World
    clock: SetClock
    rooms: Rooms
    port: int
    http: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        self.http = httpx.Client(base_url=f"{self.address}/v1", trust_env=False, timeout=20)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def token(self, institution: int = OFFICE, scopes: tuple[str, ...] = ALL_SCOPES, life_ms: int = DAY_MS) -> str:
        # Issued by the machine's clock; the service's clock stands earlier.
        return issue_token_in(self.home.root, institution, "测试 Test", scopes, life_ms)

    def client(self, institution: int = OFFICE, scopes: tuple[str, ...] = ALL_SCOPES) -> Client:
        return Client(self.address, self.token(institution, scopes))

    def as_of(self, institution: int = OFFICE, scopes: tuple[str, ...] = ALL_SCOPES) -> dict[str, str]:
        """Headers of a request by this institution."""
        return {"Authorization": f"Bearer {self.token(institution, scopes)}"}

    def stored(self) -> dict[str, int]:
        """How many rows each table has, and how many objects lie in the store."""
        with self.rooms.sql.engine.connect() as connection:
            counts = {
                name: connection.execute(text(f'SELECT count(*) FROM "{name}"')).scalar_one()
                for name in inspect(connection).get_table_names()
                if name not in {"tokens", "wrapped_keys"}
            }
        return {**counts, "objects": sum(path.is_file() for path in self.home.objects.rglob("*"))}

    def body(self, filed: Filed, *, content: bool = True, **changes: Any) -> dict[str, Any]:
        """A request's members; attachments count as kept by the institution."""
        held = [one.digests.sm3.hex() for one in filed.content.attachments] if content else []
        return {
            "content": None,
            "not_held": held,
            "signatures": [one.to_bytes().hex() for one in filed.signed.signatures],
            "statement": filed.statement.to_bytes().hex(),
            **({"content": json.loads(to_private_json(filed.content))} if content else {}),
            **changes,
        }

    def post(self, filed: Filed, *, content: bool = True, institution: int = OFFICE, **changes: Any) -> httpx.Response:
        """POST /statements."""
        body = self.body(filed, content=content, **changes)
        return self.http.post("/statements", json=body, headers=self.as_of(institution))


@contextmanager
def serve(root: Path, world: World | None = None, address: str | None = None) -> Iterator[Served]:
    """Found a home in `root` and serve it on a free port until the end of the `with`."""
    world, clock = world or World(), SetClock()
    home = found_home(root, world, address)
    with served(home, world, clock) as running:
        yield running


@contextmanager
def served(home: Home, world: World, clock: SetClock) -> Iterator[Served]:
    """Serve a home that is founded."""
    rooms = open_rooms(Settings(home), clock)
    with listen(0) as listener:
        config = uvicorn.Config(make_app(rooms), **line_settings())
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        running = Served(home, world, clock, rooms, listener.getsockname()[1])
        try:
            yield running
        finally:
            running.http.close()
            server.should_exit = True
            thread.join(20)


def check_problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The answer is a problem document with this code and both of its sentences; its members."""
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json"), answer.text
    problem: dict[str, Any] = answer.json()
    assert (problem["code"], problem["status"]) == (code, status), problem
    assert (problem["title_zh"], problem["title"]) == CATALOGUE[code]
    return problem
