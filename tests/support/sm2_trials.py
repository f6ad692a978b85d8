"""SM2 signatures and corruptions of them, from a seed, and the deployed contracts and two libraries to try them on.

Guaranteed: the same trials from the same seed; every answer comes from the code that the ledger's chain would run.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any, Final

from requests import Session

from anchors.contracts import KEYS, VERIFIER, artifact
from anchors.deployed_code import created_address
from tiezheng.evm.keccak import keccak256
from tiezheng.signature import PublicKey
from tiezheng.signature.sm2 import N, P, Provider, in_range

GOOD: Final = "good"
_TRIALS_IN_BATCH: Final = 50
_GAS: Final = hex(5_000_000)


@dataclass(frozen=True, slots=True)
class Trial:
    """One question to a verifier: does (r, s) sign e under the key?"""

    kind: str
    key: PublicKey
    e: int
    r: int
    s: int


def _bit(random: Random) -> int:
    return 1 << random.randrange(256)


# What is done to a good signature. What is asked after it is a question for the libraries: some may still be good.
CORRUPTIONS: Final[dict[str, Callable[[Trial, Random, PublicKey], Trial]]] = {
    "bit of e": lambda t, random, _: replace(t, e=t.e ^ _bit(random)),
    "bit of r": lambda t, random, _: replace(t, r=t.r ^ _bit(random)),
    "bit of s": lambda t, random, _: replace(t, s=t.s ^ _bit(random)),
    "e + n or e - n": lambda t, _, __: replace(
        t, e=t.e + N if t.e + N < 1 << 256 else t.e - N if t.e >= N else t.e ^ 1
    ),
    "r and s exchanged": lambda t, _, __: replace(t, r=t.s, s=t.r),
    "n - s": lambda t, _, __: replace(t, s=N - t.s),
    "n - r": lambda t, _, __: replace(t, r=N - t.r),
    "r + s = n": lambda t, _, __: replace(t, s=N - t.r),
    "r of small size": lambda t, random, _: replace(t, r=random.choice([0, 1, 2, 1 << 64])),
    "s of small size": lambda t, random, _: replace(t, s=random.choice([0, 1, 2, 1 << 64])),
    "r near n or above": lambda t, random, _: replace(t, r=random.choice([N - 2, N - 1, N, N + 1, P, (1 << 256) - 1])),
    "s near n or above": lambda t, random, _: replace(t, s=random.choice([N - 2, N - 1, N, N + 1, P, (1 << 256) - 1])),
    "another's key": lambda t, _, other: replace(t, key=other),
    "opposite key": lambda t, _, __: replace(t, key=PublicKey(t.key.x, P - t.key.y)),
    "all made up": lambda t, random, _: replace(
        t, e=random.getrandbits(256), r=random.randrange(N), s=random.randrange(N)
    ),
}


def trials(seed: int, count: int, library: Provider, per_key: int = 50) -> Iterator[Trial]:
    """`count` good signatures, each followed by one of the corruptions of it, in turn."""
    random = Random(seed)
    corruptions = list(CORRUPTIONS.items())
    previous = library.public_of(random.randrange(2, N - 1))
    for number in range(count):
        if number % per_key == 0:
            private = random.randrange(2, N - 1)
            key = library.public_of(private)
        nonce = random.randrange(1, N)
        e = random.getrandbits(256)
        r = (e + library.public_of(nonce).x) % N
        s = pow(1 + private, -1, N) * (nonce - r * private) % N
        good = Trial(GOOD, key, e, r, s)
        yield good
        kind, corrupt = corruptions[number % len(corruptions)]
        yield replace(corrupt(good, random, previous), kind=kind)
        if number % per_key == per_key - 1:
            previous = key


@dataclass(frozen=True, slots=True)
class Outcome:
    """How many trials of each kind there were, how many of them are good signatures, and where answers differed."""

    asked: Counter[str] = field(default_factory=Counter)
    accepted: Counter[str] = field(default_factory=Counter)
    disagreements: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Sm2OnChain:
    """The verifier and the contracts of keys on an embedded chain, spoken to by JSON-RPC."""

    url: str
    _session: Session = field(default_factory=Session)
    _keys: dict[PublicKey, str] = field(default_factory=dict)

    def open(self) -> None:
        """Create `Sm2Verifier` and `Sm2Keys`, as the first two transactions of the chain's account."""
        for name in (VERIFIER, KEYS):
            self._send({"data": "0x" + artifact(name).creation().hex()})

    @property
    def code_hash(self) -> str:
        """Keccak of the verifier's code as the chain has it."""
        (code,) = self._ask("eth_getCode", [[self._address(0), "latest"]])
        return "0x" + keccak256(bytes.fromhex(code[2:])).hex()

    def answers(self, asked: Sequence[Trial]) -> Iterator[tuple[bool, bool]]:
        """What verification with the key's table says, and what verification of the bare key says, in order."""
        for key in dict.fromkeys(trial.key for trial in asked):
            self._create(key)
        verifier = artifact(VERIFIER)
        data = []
        for t in asked:
            numbers = (t.e.to_bytes(32, "big"), t.r, t.s)
            data.append(verifier.call("verifyWithKey", *numbers, self._keys[t.key]))
            data.append(verifier.call("verify", *numbers, t.key.x, t.key.y))
        at = self._address(0)
        calls = [[{"to": at, "data": "0x" + one.hex(), "gas": _GAS}, "latest"] for one in data]
        said = [int(answer, 16) == 1 for answer in self._ask("eth_call", calls)]
        yield from zip(said[::2], said[1::2], strict=True)

    def _create(self, key: PublicKey) -> None:
        """The contract of a key with its table, in one block."""
        if key not in self._keys:
            keys = self._address(1)
            self._send({"to": keys, "data": "0x" + artifact(KEYS).call("createWithTable", key.x, key.y).hex()})
            # What a contract creates counts from 1.
            self._keys[key] = "0x" + created_address(bytes.fromhex(keys[2:]), len(self._keys) + 1).hex()

    def _send(self, transaction: dict[str, str]) -> None:
        sent = {"from": self._account, "gas": hex(20_000_000), "gasPrice": "0x0", **transaction}
        (digest,) = self._ask("eth_sendTransaction", [[sent]])
        self._ask("evm_mine", [[]])
        (receipt,) = self._ask("eth_getTransactionReceipt", [[digest]])
        assert receipt["status"] == "0x1", receipt

    @property
    def _account(self) -> str:
        return str(self._ask("eth_accounts", [[]])[0][0])

    def _address(self, nonce: int) -> str:
        return "0x" + created_address(bytes.fromhex(self._account[2:]), nonce).hex()

    def _ask(self, method: str, params: Sequence[object]) -> list[Any]:
        body: list[Any] = [
            {"jsonrpc": "2.0", "id": i, "method": method, "params": each} for i, each in enumerate(params)
        ]
        answers = self._session.post(self.url, json=body, timeout=120).json()
        assert all("result" in answer for answer in answers), answers
        return [answer["result"] for answer in sorted(answers, key=lambda answer: answer["id"])]


def compare(chain: Sm2OnChain, asked: Sequence[Trial], first: Provider, second: Provider, every: int) -> Outcome:
    """Hold both ways of the contract against the first library, and every so many trials against the second as well."""
    outcome = Outcome()
    for start in range(0, len(asked), _TRIALS_IN_BATCH):
        some = asked[start : start + _TRIALS_IN_BATCH]
        for number, (trial, answers) in enumerate(zip(some, chain.answers(some), strict=True), start):
            said = {"table": answers[0], "bare": answers[1], first.name: _library(first, trial)}
            if number % every == 0:
                said[second.name] = _library(second, trial)
            outcome.asked[trial.kind] += 1
            outcome.accepted[trial.kind] += said[first.name]
            if len(set(said.values())) != 1 or (trial.kind == GOOD and not answers[0]):
                outcome.disagreements.append(f"{trial}: {said}")
    return outcome


def _library(library: Provider, t: Trial) -> bool:
    """The ranges are the product's own check before it asks a library."""
    return in_range(t.r, t.s) and library.verify_digest(t.key, t.e.to_bytes(32, "big"), t.r, t.s)
