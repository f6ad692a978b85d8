"""Checks of the node: the right chain, the published code, how far it is, how far back it proves, and the clock.

Guaranteed: the node is only asked. Not guaranteed: that a node which answers rightly is honest; witnesses and the audit
are for that.
"""

from collections.abc import Iterator
from typing import Final

from anchors.chains.port import Chain
from anchors.deployed_code import code_faults
from anchors.deployment import Deployment, check_chain
from anchors.follow import STREAM, check_position
from api.bootstrap import relayer_address
from api.doctor import Database, Examination, Seen, failed, passed, skipped, warning
from api.settings import Home
from tiezheng.client import Client
from tiezheng.errors import Unavailable
from tiezheng.evm.header import parse_header

# A chain makes a block every few seconds; a node that is this far behind is not in step with the others.
LAG_SECONDS: Final = 60
# The contract takes no statement from more than five minutes ahead; a clock that is off by seconds is off for good.
CLOCK_SECONDS: Final = 5.0
SERVICE_CLOCK_SECONDS: Final = 2.0
# Proofs are fetched at once; this many blocks let a worker that stood still for a while fetch them later.
PROOF_DEPTH: Final = 128
PROOF_DEPTHS: Final = (1, 16, 64, PROOF_DEPTH, 1_024, 8_192)


def examinations(
    home: Home, chain: Chain, deployment: Deployment, store: Database | None, service: str | None, now_ms: int
) -> Iterator[Examination]:
    """Checks that need a node."""
    yield "node.chain", lambda: _chain(chain, deployment)
    yield "node.code", lambda: _code(chain, deployment)
    yield "node.lag", lambda: _lag(chain, now_ms)
    yield "node.history", lambda: _history(chain, store)
    yield "node.proofs", lambda: _proofs(chain, deployment)
    yield "node.fees", lambda: _fees(chain)
    yield "relayer.account", lambda: _account(home, chain, store)
    yield "clock.chain", lambda: _clock(chain, now_ms)
    yield "clock.service", lambda: _service_clock(service, now_ms)


def _chain(chain: Chain, deployment: Deployment) -> Seen:
    check_chain(chain, deployment)
    return passed(f"chain {deployment.chain_id}, head {chain.head().number}")


def _code(chain: Chain, deployment: Deployment) -> Seen:
    found = [f"{name}: {why}" for name, why in code_faults(chain, deployment)]
    return failed("; ".join(found)) if found else passed()


def _lag(chain: Chain, now_ms: int) -> Seen:
    head = chain.head()
    age = now_ms / 1000 - head.time
    told = f"block {head.number}, {age:.0f} s old"
    return warning(told) if age > LAG_SECONDS else passed(told)


def _history(chain: Chain, store: Database | None) -> Seen:
    if store is None:
        return skipped("no database")
    with store.read() as tables:
        position = tables.chain.position(STREAM)
    if position is None:
        return warning("nothing read yet")
    check_position(chain, position, chain.head())
    return passed(f"block {position.number}")


def _proofs(chain: Chain, deployment: Deployment) -> Seen:
    head, reached = chain.head().number, 0
    for depth in PROOF_DEPTHS:
        if head - depth < max(1, deployment.institutions.block):
            return passed(f"back to the founding, {depth} blocks")
        try:
            chain.proof(deployment.institutions.address, [], head - depth)
        except Unavailable:
            break
        reached = depth
    told = f"{reached} blocks back"
    if reached < deployment.checkpoint_interval:
        return failed(told)
    return warning(told) if reached < PROOF_DEPTH else passed(told)


def _fees(chain: Chain) -> Seen:
    fee = parse_header(chain.header(chain.head().number)).base_fee
    return warning(f"base fee {fee}") if fee else passed("base fee 0")


def _account(home: Home, chain: Chain, store: Database | None) -> Seen:
    address = relayer_address(home)
    told = f"0x{address.hex()}, next {chain.next_nonce(address)}"
    if store is None:
        return passed(told)
    with store.read() as tables:
        open_rows, last = tables.transactions.open(address), tables.transactions.last_nonce(address)
    told += f", {len(open_rows)} on their way"
    # Whoever else uses the account takes nonces that the worker counts on.
    first_free = 0 if last is None else last + 1
    return warning(told) if chain.next_nonce(address) > first_free else passed(told)


def _clock(chain: Chain, now_ms: int) -> Seen:
    ahead = chain.head().time - now_ms / 1000
    told = f"block time is {ahead:+.0f} s from this clock"
    return failed(told) if ahead > CLOCK_SECONDS else passed(told)


def _service_clock(service: str | None, now_ms: int) -> Seen:
    if service is None:
        return skipped("--service")
    with Client(service) as client:
        apart = (int(client.health()["time"]) - now_ms) / 1000
    told = f"{apart:+.1f} s"
    return warning(told) if abs(apart) > SERVICE_CLOCK_SECONDS else passed(told)
