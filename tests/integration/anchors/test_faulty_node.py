"""The node errs, lags, drops, replaces and changes from one request to the next; through a real proxy."""

import random
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from anchors import sender, worker
from anchors.chains.relayer import Relayer
from anchors.chains.rpc import RpcChain
from anchors.transact import transact
from ledger.domain.life import Status
from tests.support.faulty_node import Call, FaultyNode, error, faulty_node
from tests.support.stage import Made, Stage
from tiezheng.errors import IntegrityFault, Unavailable

pytestmark = pytest.mark.chain


@pytest.fixture
def node_between(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultyNode]:
    """The worker's node, behind a proxy; what is unsent is looked for at once."""
    monkeypatch.setattr(sender, "RESEND_MS", 0)
    real = stage.worker.chain
    with faulty_node(stage.deployment.rpc) as node:
        stage.worker.chain = RpcChain(node.url, timeout_seconds=2)
        try:
            yield node
        finally:
            stage.worker.chain = real


def recorded(stage: Stage, made: Made) -> int:
    logs = stage.chain.logs([stage.deployment.registry.address], 0, stage.chain.head().number)
    return sum(log.topics[1] == made.digest for log in logs)


def transactions(stage: Stage, made: Made) -> int:
    with stage.store.read() as tables:
        return len(tables.transactions.of_subject(made.digest))


def waits(stage: Stage) -> str:
    """The code with which the worker waits."""
    with pytest.raises(Unavailable) as caught:
        stage.worker.round()
    return caught.value.code


def told_by_round(stage: Stage) -> str | None:
    """One round; the code with which it waits, if it does."""
    try:
        stage.worker.round()
    except Unavailable as told:
        return told.code
    return None


ANSWERS: dict[str, tuple[tuple[int, bytes | None], str]] = {
    "an error of the server": ((500, b"{}"), "chain.unreachable"),
    "too many requests": ((429, b"slow down"), "chain.unreachable"),
    "no JSON": ((200, b"<html>gateway</html>"), "chain.unreachable"),
    "nothing": ((200, b""), "chain.unreachable"),
    "half an answer": ((200, None), "chain.unreachable"),
    "a list": ((200, b"[1,2]"), "chain.answer"),
    "a number": ((200, b"5"), "chain.answer"),
    "an error that is a text": ((200, b'{"jsonrpc":"2.0","id":1,"error":"busy"}'), "chain.answer"),
    "a result of another shape": ((200, b'{"jsonrpc":"2.0","id":1,"result":[[]]}'), "chain.answer"),
    "a result that is null": ((200, b'{"jsonrpc":"2.0","id":1,"result":null}'), "chain.answer"),
}


@pytest.mark.parametrize("what", ANSWERS)
def test_the_worker_waits_while_the_node_answers_with(what: str, stage: Stage, node_between: FaultyNode) -> None:
    raw, code = ANSWERS[what]
    node_between.instead = lambda _methods: raw
    assert waits(stage) == code
    node_between.well()
    stage.worker.round()


def test_every_method_may_fail_at_any_time_and_a_statement_is_anchored_once(
    stage: Stage, node_between: FaultyNode
) -> None:
    (made,) = stage.matter([1])
    lot = stage.bulk()
    stage.submit(made, lot)
    failed: set[str] = set()

    def once(call: Call) -> dict[str, Any] | None:
        if call["method"] in failed:
            return None
        failed.add(call["method"])
        return error("internal error", -32603)

    node_between.answer = once
    for _ in range(60):
        told = told_by_round(stage)
        assert told in {None, "chain.answer", "chain.no_history"}
        for witness in stage.witnesses:
            witness.step()
        stage.wait()
        if {stage.status(made), stage.status(lot)} == {Status.FINAL}:
            break
    assert {stage.status(made), stage.status(lot)} == {Status.FINAL}
    assert failed >= {"eth_sendRawTransaction", "eth_getLogs", "eth_call", "eth_getProof", "eth_getTransactionReceipt"}
    assert recorded(stage, made) == 1


@pytest.mark.parametrize(
    "message",
    ["already known", "nonce too low", "txpool is full", "transaction underpriced", "unknown transaction type"],
)
def test_a_refused_hand_over_is_repeated_with_the_same_bytes_until_the_node_has_it(
    message: str, stage: Stage, node_between: FaultyNode
) -> None:
    (made,) = stage.matter([1])
    stage.submit(made)
    refused = 0

    def refuse(call: Call) -> dict[str, Any] | None:
        nonlocal refused
        if call["method"] != "eth_sendRawTransaction" or refused >= 2:
            return None
        refused += 1
        return error(message)

    node_between.answer = refuse
    for _ in range(3):
        if message in {"already known", "nonce too low"}:
            stage.worker.round()
        elif refused < 2:
            assert waits(stage) == "chain.answer"
    assert refused == 2
    stage.run_until(Status.FINAL, made)
    assert (recorded(stage, made), transactions(stage, made)) == (1, 1)


def test_a_dropped_transaction_in_the_middle_is_sent_again_and_closes_the_gap(
    stage: Stage, node_between: FaultyNode
) -> None:
    opened = [stage.matter([1])[0] for _ in range(4)]
    stage.submit(*opened)
    sent = 0

    def drop_second(call: Call) -> dict[str, Any] | None:
        nonlocal sent
        if call["method"] != "eth_sendRawTransaction":
            return None
        sent += 1
        return {"result": "0x" + "00" * 32} if sent == 2 else None

    node_between.answer = drop_second
    stage.run_until(Status.FINAL, *opened)
    assert sent > 4
    assert [(recorded(stage, made), transactions(stage, made)) for made in opened] == [(1, 1)] * 4


def test_a_transaction_that_was_replaced_with_the_same_account_is_sent_anew_behind_it(
    stage: Stage, node_between: FaultyNode
) -> None:
    (made,) = stage.matter([1])
    stage.submit(made)
    node_between.answer = lambda call: (
        {"result": "0x" + "00" * 32} if call["method"] == "eth_sendRawTransaction" else None
    )
    stage.worker.round()
    thief = Relayer(b"\2" * 32)
    assert thief.address == stage.relayer.address
    transact(stage.chain, thief, stage.deployment.chain_id, b"\x99" * 20, b"")
    node_between.well()
    stage.run_until(Status.FINAL, made)
    assert (recorded(stage, made), transactions(stage, made)) == (1, 2)


@pytest.mark.slow
def test_two_nodes_of_which_one_lags_neither_hide_an_event_nor_make_a_transaction_look_replaced(
    stage: Stage, node_between: FaultyNode
) -> None:
    """Any request may be answered as of eight blocks ago."""
    opened = [stage.matter([1])[0] for _ in range(3)]
    stage.submit(*opened)
    dice = random.Random(5)

    def lag(calls: list[Call], answers: list[dict[str, Any]]) -> None:
        if dice.random() < 0.2:
            head = stage.chain.head().number - 8
            for call, answer in zip(calls, answers, strict=True):
                _as_of(stage, head, call, answer)

    node_between.alter = lag
    behind = 0
    for _ in range(30):
        told = told_by_round(stage)
        assert told in {None, "chain.behind", "chain.answer"}
        behind += told == "chain.behind"
        stage.wait()
    assert behind > 0
    node_between.well()
    stage.run_until(Status.FINAL, *opened)
    assert [(recorded(stage, made), transactions(stage, made)) for made in opened] == [(1, 1)] * 3


def test_a_node_that_stays_behind_stops_the_worker_after_a_while(
    stage: Stage, node_between: FaultyNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.worker.round()
    head = max(stage.chain.head().number - 8, 1)

    def old(calls: list[Call], answers: list[dict[str, Any]]) -> None:
        for call, answer in zip(calls, answers, strict=True):
            _as_of(stage, head, call, answer)

    node_between.alter = old
    assert waits(stage) == "chain.behind"
    monkeypatch.setattr(worker, "BEHIND_SECONDS", 0.0)
    with pytest.raises(IntegrityFault) as caught:
        stage.worker.round()
    assert caught.value.code == "chain.younger"
    node_between.well()
    stage.worker.round()


def test_a_transaction_stored_before_the_clock_was_set_back_is_sent_again(
    stage: Stage, node_between: FaultyNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender, "RESEND_MS", 3_000)
    (made,) = stage.matter([1])
    stage.submit(made)
    monkeypatch.setattr(stage.clock, "ahead_ms", 86_400_000)
    node_between.answer = lambda call: (
        {"result": "0x" + "00" * 32} if call["method"] == "eth_sendRawTransaction" else None
    )
    stage.worker.round()
    node_between.well()
    monkeypatch.setattr(stage.clock, "ahead_ms", 0)
    stage.run_until(Status.ANCHORED, made, seconds=10)
    assert (recorded(stage, made), transactions(stage, made)) == (1, 1)


def test_after_an_outage_the_chain_is_compared_again(stage: Stage, node_between: FaultyNode) -> None:
    stage.worker.round()
    node_between.instead = lambda _methods: (502, b"")
    assert waits(stage) == "chain.unreachable"
    node_between.well()
    node_between.answer = lambda call: {"result": "0x1"} if call["method"] == "eth_chainId" else None
    with pytest.raises(IntegrityFault) as caught:
        stage.worker.round()
    assert caught.value.code == "chain.wrong"


def _as_of(stage: Stage, head: int, call: Call, answer: dict[str, Any]) -> None:
    """What a node says that has only the blocks up to `head`."""
    method, params, result = call["method"], call["params"], answer.get("result")
    if method == "eth_getBlockByNumber":
        if params[0] == "latest":
            asked = {"jsonrpc": "2.0", "id": 1, "method": method, "params": [hex(head), False]}
            answer["result"] = httpx.post(stage.deployment.rpc, json=asked).json()["result"]
        elif int(params[0], 16) > head:
            answer["result"] = None
    elif method == "eth_getTransactionCount" and params[1] == "latest":
        asked = {"jsonrpc": "2.0", "id": 1, "method": method, "params": [params[0], hex(head)]}
        answer["result"] = httpx.post(stage.deployment.rpc, json=asked).json()["result"]
    elif method == "eth_getTransactionReceipt" and result is not None and int(result["blockNumber"], 16) > head:
        answer["result"] = None
    elif method == "eth_getLogs":
        answer["result"] = [log for log in result or [] if int(log["blockNumber"], 16) <= head]
    elif method in {"eth_call", "eth_getProof"} and params[-1] != "latest" and int(params[-1], 16) > head:
        answer.pop("result", None)
        answer |= error("unknown block")
