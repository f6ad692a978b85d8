"""Gas of other people's contracts for the nearest thing that each can do, measured as our own is.

Guaranteed: the contracts come from the published npm packages; EAS runs as the bytecode that its authors published,
libraries and the two plain stores are compiled here with the compiler's own optimizer. Not guaranteed: that a peer does
what the ledger does; `bench/gas.md` says what each leaves out.
"""

import json
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from bench.gas_cases import sm2_cases, statement_bytes
from bench.gas_chain import GasChain, calldata
from tiezheng.digest import sm3

ROOT: Final = Path(__file__).resolve().parent.parent
PEERS: Final = ROOT / "bench" / "peers"
BUILT: Final = ROOT / "out" / "peers"
EAS_FILES: Final = (
    PEERS / "node_modules" / "@ethereum-attestation-service" / "eas-contracts" / "artifacts" / "contracts"
)
ZERO: Final = "0x" + "00" * 20
MANY: Final = 1_000
_ATTEST: Final = "attest((bytes32,(address,uint64,bool,bytes32,bytes,uint256)))"


def versions() -> dict[str, str]:
    """The pinned version of each package."""
    pinned: dict[str, str] = json.loads((PEERS / "package.json").read_text(encoding="utf-8"))["devDependencies"]
    return {name: version for name, version in pinned.items() if not version.startswith("file:")}


def measure(chain: GasChain) -> dict[str, int]:
    """Gas by row: whole transactions, except the two `…_verify` rows, which are execution alone."""
    return _eas(chain) | _curves(chain) | _stores(chain)


def _eas(chain: GasChain) -> dict[str, int]:
    registry = chain.create(_published("SchemaRegistry")).contract
    eas = chain.create(_published("EAS"), "(address)", registry).contract
    schemas = {}
    for schema in ("bytes32 digest", "bytes statement"):
        data = calldata("register(string,address,bool)", schema, ZERO, True)
        schemas[schema] = chain.call(registry, data)
        chain.send(registry, data)

    def attest(schema: str, content: bytes) -> int:
        request = (schemas[schema], (chain.sender, 0, True, bytes(32), content, 0))
        return chain.send(eas, calldata(_ATTEST, request)).gas

    def timestamps(name: str, count: int) -> int:
        digests = [sm3(b"timestamp", name.encode(), number.to_bytes(4, "big")) for number in range(count)]
        return chain.send(eas, calldata("multiTimestamp(bytes32[])", digests)).gas

    statement = statement_bytes()
    attest("bytes32 digest", sm3(b"first"))
    return {
        "eas_attest_digest": attest("bytes32 digest", sm3(statement)),
        "eas_attest_statement": attest("bytes statement", statement),
        "eas_timestamp": chain.send(eas, calldata("timestamp(bytes32)", sm3(b"timestamp"))).gas,
        "eas_multi_timestamp_10": timestamps("ten", 10),
        "eas_multi_timestamp_1000": timestamps("thousand", MANY),
    }


def _curves(chain: GasChain) -> dict[str, int]:
    p256 = chain.create(_built("P256Check")).contract
    generic = chain.create(_built("Sm2OnGenericCurve")).contract
    sm2 = [chain.check(generic, case.call("verify(bytes32,uint256,uint256,uint256,uint256)")) for case in sm2_cases()]
    ecdsa = [chain.check(p256, _p256_call(number)) for number in range(len(sm2))]
    return {"solarity_sm2_verify": sum(sm2) // len(sm2), "openzeppelin_p256_verify": sum(ecdsa) // len(ecdsa)}


def _p256_call(number: int) -> bytes:
    """A good signature by a fixed key; the library refuses the larger of the two possible s."""
    key = ec.derive_private_key(int.from_bytes(sm3(b"p256", bytes([number])), "big") >> 1, ec.SECP256R1())
    digest = sm3(b"digest", bytes([number]))
    signature = key.sign(digest, ec.ECDSA(Prehashed(SHA256()), deterministic_signing=True))
    r, s = decode_dss_signature(signature)
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    point = key.public_key().public_numbers()
    values = [value.to_bytes(32, "big") for value in (r, min(s, order - s), point.x, point.y)]
    return calldata("verify(bytes32,bytes32,bytes32,bytes32,bytes32)", digest, *values)


def _stores(chain: GasChain) -> dict[str, int]:
    store = chain.create(_built("StringRecords")).contract
    put = calldata("put(string,string)", "2026-000001", json_record())
    return {
        "contract_per_record": chain.create(_built("RecordContract"), "(bytes32)", sm3(b"record")).gas,
        "string_store": chain.send(store, put).gas,
    }


def json_record() -> str:
    """A record as such stores keep it: a little more than 300 bytes."""
    record = {
        "case": sm3(b"case").hex(),
        "digest": sm3(b"digest").hex(),
        "institution": "某某公证处",
        "kind": "evidence.deposit",
        "occurred": "2026-01-01T08:00:00+08:00",
        "submitter": "0x" + sm3(b"submitter")[:20].hex(),
    }
    return json.dumps(record, ensure_ascii=False)


def _published(name: str) -> str:
    return _creation(EAS_FILES / f"{name}.sol" / f"{name}.json")["bytecode"]  # type: ignore[no-any-return]


def _built(name: str) -> str:
    return _creation(BUILT / f"{name}.sol" / f"{name}.json")["bytecode"]["object"]  # type: ignore[no-any-return]


def _creation(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found
