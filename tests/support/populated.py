"""A served home with something of everything in it: a final deposit with its file, a refused one, a matter that waits
for signatures, cards, a batch, a checkpoint. What attacks on the whole interface are shown."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ledger.domain.chain_records import BatchRow, BlockRef, Head
from ledger.services.record_refusal import record_refusal
from tests.integration.api.worked import anchor, deposit_cards, house_of
from tests.support.served import Served, serve
from tests.support.world import COURT, FILE, NOTARY, OFFICE, OPERATOR, REGULATOR, SEAL, START, Filed
from tests.unit.tiezheng.evm.trie_builder import keccak_of
from tiezheng.batch import build_batch, write_leaves
from tiezheng.content import to_private_json
from tiezheng.digest import sm3
from tiezheng.refusals import REASONS

PLAN = [[OFFICE, SEAL], [NOTARY, 0x41]]
"""Who signs the last step of the matter, and in which role."""


@dataclass(frozen=True)
class Populated:
    """`deposit` is final, `refused` is not, `last` is the step that `collection` waits for; `closed` was withdrawn;
    `upload` is complete."""

    service: Served
    deposit: Filed
    refused: Filed
    matter: tuple[Filed, ...]
    collection: str
    closed: str
    upload: str
    cosignature: dict[str, Any]

    @property
    def last(self) -> Filed:
        return self.matter[-1]

    @property
    def ids(self) -> dict[str, str]:
        """A value that exists for each parameter of an address."""
        return {
            "digest": self.deposit.statement.digest.hex(),
            "case": self.deposit.statement.case.hex(),
            "sm3": sm3(FILE).hex(),
            "collection": self.collection,
            "batch": "0",
            "height": str(self.service.world.height),
            "signer": str(NOTARY),
            "upload": self.upload,
        }

    def headers(self, method: str, path: str) -> dict[str, str]:
        """What this operation asks for beside a token and a body of JSON."""
        if method == "PATCH":
            return {"Content-Type": "application/partial-upload", "Upload-Offset": str(len(FILE))}
        return {"Content-Type": "text/plain"} if isinstance(self.body(method, path), bytes) else {}

    def body(self, method: str, path: str) -> bytes | dict[str, Any] | None:
        """A good body of this operation; bytes where it is no JSON."""
        card = to_private_json(self.service.world.members[NOTARY, 0].card)
        bodies: dict[tuple[str, str], bytes | dict[str, Any]] = {
            ("POST", "/v1/statements"): self.service.body(self.deposit),
            ("POST", "/v1/cosignatures"): self.cosignature,
            ("POST", "/v1/collections"): self.service.body(self.last, plan=PLAN, signatures=[]),
            ("POST", "/v1/collections/{collection}/signatures"): {
                "signature": self.last.signed.signatures[0].to_bytes().hex()
            },
            ("PUT", "/v1/cases/{case}/files"): FILE,
            ("POST", "/v1/cases/{case}/uploads"): {"size": len(FILE), "media_type": "text/plain"},
            # The upload is complete: an empty piece at its end asks for the result.
            ("PATCH", "/v1/uploads/{upload}"): b"",
            ("PUT", "/v1/signers/{signer}/card"): card,
        }
        return bodies.get((method, path))


@contextmanager
def populated(root: Path) -> Iterator[Populated]:
    """Found, serve and fill a home."""
    with serve(root) as service:
        yield fill(service)


def fill(service: Served) -> Populated:
    """Bring something of everything into a fresh home."""
    world = service.world
    deposit_cards(service)
    deposit, refused, matter = world.deposit(), world.deposit(), tuple(world.matter())
    text = {"Content-Type": "text/plain"}
    for filed in (deposit, refused):
        path = f"/cases/{filed.statement.case.hex()}/files"
        service.http.put(path, content=FILE, headers={**service.as_of(), **text}).raise_for_status()
    with service.client() as client:
        for filed in (deposit, refused, *matter[:-1]):
            client.submit(filed.signed, filed.content)
        plan = [(signer, role) for signer, role in PLAN]
        signed = matter[-1].signed.signatures[:1]
        collection, closed = (
            str(client.open_collection(matter[-1].statement, plan, matter[-1].content, signed)["id"]) for _ in "12"
        )
        service.http.delete(f"/collections/{closed}", headers=service.as_of()).raise_for_status()
    header = anchor(service, deposit)
    house_of(service).cosign(header, (REGULATOR, COURT))
    rooms, block = service.rooms, BlockRef(101, sm3(b"block 101"), START + 101)
    reason = REASONS["KeyNotValid"].number
    record_refusal(rooms.store, rooms.clock, rooms.operator, rooms.trust, refused.statement.digest, reason, block)
    seal_a_batch(service)
    with rooms.store.write() as tables:
        tables.chain.put_head(Head(block, service.clock.now))
    (witness,) = world.cosign(header, [REGULATOR])
    cosignature = {
        "block_hash": keccak_of(header).hex(),
        "height": world.height,
        "seen": witness.seen,
        "signature": witness.signature.to_bytes().hex(),
    }
    upload = upload_whole(service, deposit.statement.case.hex())
    return Populated(service, deposit, refused, matter, collection, closed, upload, cosignature)


def upload_whole(service: Served, case: str) -> str:
    """The file once more, as an upload of one piece."""
    headers = service.as_of()
    begun = service.http.post(
        f"/cases/{case}/uploads", json={"size": len(FILE), "media_type": "text/plain"}, headers=headers
    )
    where = str(begun.json()["id"])
    piece = {**headers, "Content-Type": "application/partial-upload", "Upload-Offset": "0"}
    service.http.patch(f"/uploads/{where}", content=FILE, headers=piece).raise_for_status()
    return where


def seal_a_batch(service: Served) -> None:
    """A batch of one, published."""
    world = service.world
    lots = world.bulk(lots=1, index=0)
    with service.client() as client:
        client.submit(lots.signed, lots.content)
    header, _ = build_batch(OPERATOR, None, [lots.signed])
    seal = world.seal(header)
    (service.home.leaves / "000000.leaves").write_bytes(b"".join(write_leaves(header, seal, [lots.signed])))
    row = BatchRow(0, header.to_bytes(), seal.to_bytes(), header.digest, 0, 1, service.clock.now)
    with service.rooms.store.write() as tables:
        tables.batches.add(row, [lots.statement.digest])
