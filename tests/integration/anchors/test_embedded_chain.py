"""The embedded chain's life: a busy port, a clean stop, a kill; and governance that the contracts refuse."""

import os
import signal
import socket
import time
from pathlib import Path

import pytest

from anchors.chains.anvil import HOST, find_anvil, free_port, start_anvil, stop_anvil
from anchors.chains.relayer import Relayer
from anchors.chains.rpc import RpcChain
from anchors.deploy import found_ledger, plan_founding
from anchors.deployment import check_chain
from tests.support.consortium import APPROVER, NOTARY, OPERATOR, REGULATOR, ROLES, THRESHOLD, Consortium
from tests.support.staging import Node
from tiezheng.errors import Conflict, Malformed, NotFound, Refused, TiezhengError, Unavailable, VerificationFailed
from tiezheng.signature import sign

pytestmark = pytest.mark.chain


def test_a_busy_port_is_named(tmp_path: Path) -> None:
    with socket.socket() as holder:
        holder.bind((HOST, 0))
        holder.listen()
        port = holder.getsockname()[1]
        with pytest.raises(Conflict) as caught:
            start_anvil(tmp_path, port, tmp_path / "log")
    assert (caught.value.code, caught.value.got) == ("chain.port_busy", port)


def test_a_missing_program_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NotFound) as caught:
        find_anvil(tmp_path)
    assert caught.value.code == "chain.tool_missing"


def test_a_program_that_ends_at_once_is_told(tmp_path: Path) -> None:
    with pytest.raises(Unavailable) as caught:
        start_anvil(tmp_path, free_port(), tmp_path / "log", program=Path("/bin/false"))
    assert caught.value.code == "chain.not_started"


def test_the_first_block_keeps_its_hash_after_stops_and_kills_and_time_goes_on(tmp_path: Path) -> None:
    port, hashes, last = free_port(), set[bytes](), 0
    for sign_ in (signal.SIGTERM, signal.SIGKILL, signal.SIGTERM, signal.SIGKILL):
        anvil = start_anvil(tmp_path, port, tmp_path / "log")
        try:
            chain = RpcChain(anvil.url)
            while chain.head().number <= last:
                time.sleep(0.1)
            genesis, head = chain.block(0), chain.head()
            assert genesis is not None
            hashes.add(genesis.hash)
            assert abs(head.time - time.time()) < 5
            os.kill(anvil.pid, sign_)
            if sign_ is signal.SIGTERM:
                last = head.number
        finally:
            stop_anvil(anvil.pid)
        stop_anvil(anvil.pid)
    assert len(hashes) == 1


def test_a_node_that_is_not_there_is_unreachable_and_a_strange_address_is_refused() -> None:
    with pytest.raises(Unavailable) as caught:
        RpcChain(f"http://{HOST}:{free_port()}", timeout_seconds=2).head()
    assert caught.value.code == "chain.unreachable"
    with pytest.raises(Malformed):
        RpcChain("file:///etc/passwd")


def test_nothing_is_proven_against_block_0(node: Node) -> None:
    with pytest.raises(Malformed) as caught:
        node.chain.proof(bytes(20), [bytes(32)], 0)
    assert caught.value.code == "chain.genesis_block"


def test_headers_hash_to_their_blocks_and_link(node: Node) -> None:
    while node.chain.head().number < 3:
        time.sleep(0.1)
    blocks = node.chain.blocks(0, 3)
    assert [block.number for block in blocks] == [0, 1, 2, 3]
    assert [after.parent for after in blocks[1:]] == [before.hash for before in blocks[:-1]]
    with pytest.raises(Unavailable):
        node.chain.blocks(0, node.chain.head().number + 1000)


def test_a_founding_with_a_wrong_or_missing_signature_sends_nothing(node: Node) -> None:
    consortium, relayer = Consortium("other"), Relayer(b"\x21" * 32)
    plan = plan_founding(node.chain, relayer, THRESHOLD, consortium.founders())
    good = {number: sign(consortium.keys[number], plan.message(number)) for number in ROLES}
    swapped = {**good, OPERATOR: good[REGULATOR]}
    missing = {number: one for number, one in good.items() if number != OPERATOR}
    for signatures in (swapped, missing):
        with pytest.raises(VerificationFailed):
            found_ledger(node.chain, relayer, plan, signatures, domain=1, operator=OPERATOR, rpc="http://x")
    with pytest.raises(Malformed):
        found_ledger(node.chain, relayer, plan, good, domain=1, operator=REGULATOR, rpc="http://x")
    assert node.chain.next_nonce(relayer.address) == 0


def test_two_foundings_on_one_chain_are_two_ledgers(node: Node, consortium: Consortium) -> None:
    other = Consortium("other")
    deployment = other.found(node.chain, Relayer(b"\x22" * 32))
    check_chain(node.chain, deployment)
    assert deployment.founding != consortium.deployment.founding
    assert deployment.registry.id != consortium.deployment.registry.id


@pytest.mark.parametrize(("number", "code"), [(NOTARY, "member.exists"), (APPROVER, "member.exists")])
def test_an_admission_that_the_contract_refuses_is_not_sent(
    node: Node, consortium: Consortium, number: int, code: str
) -> None:
    relayer = Relayer(b"\x23" * 32)
    with pytest.raises(Refused) as caught:
        consortium.admit(node.chain, relayer, number)
    assert caught.value.code == code
    assert node.chain.next_nonce(relayer.address) == 0


def test_a_revocation_by_another_key_is_refused(node: Node, consortium: Consortium) -> None:
    stranger = Consortium("stranger")
    stranger.deployment = consortium.deployment
    with pytest.raises(TiezhengError) as caught:
        stranger.revoke(node.chain, Relayer(b"\x24" * 32), NOTARY)
    assert caught.value.code == "signature.invalid"
