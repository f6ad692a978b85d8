"""A chain through a node's JSON-RPC (`eth_*` methods only), over web3's HTTP provider.

Guaranteed: answers are decoded strictly, whatever cannot be read is Unavailable; headers hash to their block's hash,
proof nodes are in canonical form; what must be of one node (logs and the block at their end, a nonce and the
transactions below it) is asked for in one request. Not guaranteed: that the node is honest or on the right chain, which
`anchors.deployment` compares; nor that something in front of several nodes does not split a request.
"""

import functools
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, ParamSpec, TypeVar, cast

from requests.exceptions import RequestException
from web3 import HTTPProvider
from web3.types import RPCEndpoint

from anchors.chains.port import LATEST, Block, Log, Mined, Reverted, Slot, StateProof
from tiezheng.errors import Malformed, Unavailable
from tiezheng.evm.header import rebuild_header
from tiezheng.evm.trie import canonical_nodes

TIMEOUT_SECONDS: Final = 30.0
# Nodes limit how many slots one eth_getProof may ask for; 200 is below every limit met.
SLOTS_PER_PROOF: Final = 200
# Nodes limit the range of eth_getLogs.
LOG_RANGE: Final = 1_000
# Nodes limit how many requests one batch may hold.
BATCH_MAX: Final = 200
_REVERTED: Final = 3
_MAX_URL: Final = 512
# How clients say that they have this transaction, or that its nonce is used; `Sender.settle` then finds out by what.
_SENT_BEFORE: Final = re.compile(r"\b(already known|known transaction|already imported|already exists|nonce too low)\b")
P = ParamSpec("P")
R = TypeVar("R")


def _legible(method: Callable[P, R]) -> Callable[P, R]:
    """An answer of another shape than asked for is one that cannot be used, never a defect of the caller."""

    @functools.wraps(method)
    def reading(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return method(*args, **kwargs)
        except (AttributeError, LookupError, TypeError) as error:
            raise Unavailable("chain.answer", detail=f"{method.__name__}: {type(error).__name__}") from error

    return reading


class RpcChain:
    """One node. Safe for one thread at a time; open one for each thread."""

    def __init__(self, url: str, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        """`url` is http or https. Raises Malformed `config.value`."""
        if not url.startswith(("http://", "https://")) or len(url) > _MAX_URL:
            raise Malformed("config.value", expected="http:// or https://", detail="rpc")
        self._provider = HTTPProvider(
            url, request_kwargs={"timeout": timeout_seconds}, exception_retry_configuration=None
        )

    def chain_id(self) -> int:
        return _integer(self._ask("eth_chainId"))

    @_legible
    def head(self) -> Block:
        return _block(self._ask("eth_getBlockByNumber", "latest", False))

    @_legible
    def block(self, number: int) -> Block | None:
        answer = self._ask("eth_getBlockByNumber", hex(number), False)
        return None if answer is None else _block(answer)

    @_legible
    def blocks(self, first: int, last: int) -> list[Block]:
        given = self._batch([("eth_getBlockByNumber", [hex(number), False]) for number in range(first, last + 1)])
        found = sorted((_block(item) for item in given), key=lambda block: block.number)
        for item in given:
            rebuild_header(
                cast(Mapping[str, object], item)
            )  # the hash is really that of the fields, parent's hash included
        if [block.number for block in found] != list(range(first, last + 1)):
            raise Unavailable("chain.answer", detail="blocks of a range")
        return found

    @_legible
    def header(self, number: int) -> bytes:
        answer = self._ask("eth_getBlockByNumber", hex(number), False)
        if not isinstance(answer, Mapping):
            raise Unavailable("chain.answer", detail=f"block {number}")
        return rebuild_header(answer)

    def code(self, address: bytes, height: int | None = LATEST) -> bytes:
        return _bytes(self._ask("eth_getCode", _hex(address), _tag(height)))

    def call(self, to: bytes, data: bytes, height: int | None = LATEST) -> bytes:
        return _bytes(self._ask("eth_call", {"to": _hex(to), "data": _hex(data)}, _tag(height)))

    def refusals(self, to: bytes, calls: Sequence[bytes], height: int) -> list[Reverted | None]:
        asked = [("eth_call", [{"to": _hex(to), "data": _hex(data)}, _tag(height)]) for data in calls]
        return [_refusal(answer) for answer in self._answers(asked)]

    def next_nonce(self, account: bytes) -> int:
        return _integer(self._ask("eth_getTransactionCount", _hex(account), "latest"))

    def pending_nonce(self, account: bytes) -> int:
        return _integer(self._ask("eth_getTransactionCount", _hex(account), "pending"))

    def knows(self, transaction: bytes) -> bool:
        return self._ask("eth_getTransactionByHash", _hex(transaction)) is not None

    @_legible
    def send(self, raw: bytes) -> None:
        error = self._request("eth_sendRawTransaction", [_hex(raw)]).get("error")
        if error is None:
            return
        message = str(error.get("message", "")).lower()
        # The wording differs from client to client; whether it is really there is asked again by hash.
        if _SENT_BEFORE.search(message):
            return
        raise Unavailable("chain.answer", detail=f"eth_sendRawTransaction: {message[:120]}")

    def mined(self, transaction: bytes) -> Mined | None:
        return self.all_mined([transaction])[0]

    @_legible
    def all_mined(self, transactions: Sequence[bytes]) -> list[Mined | None]:
        answers = self._batch([("eth_getTransactionReceipt", [_hex(one)]) for one in transactions])
        return [_mined(one, answer) for one, answer in zip(transactions, answers, strict=True)]

    @_legible
    def outcomes(self, account: bytes, transactions: Sequence[bytes]) -> tuple[int, list[Mined | None]]:
        next_nonces: list[int] = []
        mined: list[Mined | None] = []
        for start in range(0, max(len(transactions), 1), BATCH_MAX - 1):
            part = transactions[start : start + BATCH_MAX - 1]
            nonce, *answers = self._batch(
                [
                    ("eth_getTransactionCount", [_hex(account), "latest"]),
                    *[("eth_getTransactionReceipt", [_hex(one)]) for one in part],
                ]
            )
            next_nonces.append(_integer(nonce))
            mined += [_mined(one, answer) for one, answer in zip(part, answers, strict=True)]
        return min(next_nonces), mined

    @_legible
    def all_known(self, transactions: Sequence[bytes]) -> list[bool]:
        answers = self._batch([("eth_getTransactionByHash", [_hex(one)]) for one in transactions])
        return [answer is not None for answer in answers]

    @_legible
    def logs(self, addresses: Sequence[bytes], first: int, last: int) -> list[Log]:
        found: list[Log] = []
        for start in range(first, last + 1, LOG_RANGE):
            wanted = {
                "address": [_hex(address) for address in addresses],
                "fromBlock": hex(start),
                "toBlock": hex(min(last, start + LOG_RANGE - 1)),
            }
            # A node that lacks the last of these blocks answers with the logs that it has, and does not say so.
            answer, end = self._batch([("eth_getLogs", [wanted]), ("eth_getBlockByNumber", [wanted["toBlock"], False])])
            if end is None:
                raise Unavailable("chain.behind", expected=int(str(wanted["toBlock"]), 16), detail="logs")
            if not isinstance(answer, list):
                raise Unavailable("chain.answer", detail="logs")
            found.extend(_log(item) for item in answer)
        return sorted(found, key=lambda log: (log.block_number, log.index))

    @_legible
    def proof(self, address: bytes, positions: Sequence[bytes], height: int) -> StateProof:
        if height < 1:
            raise Malformed("chain.genesis_block", got=height)
        nodes: tuple[bytes, ...] = ()
        slots: list[Slot] = []
        for start in range(0, max(len(positions), 1), SLOTS_PER_PROOF):
            part = positions[start : start + SLOTS_PER_PROOF]
            # Full 32-byte keys: some nodes read shorter ones as numbers and answer for another position.
            answer = self._request("eth_getProof", [_hex(address), [_hex(one) for one in part], hex(height)])
            result = answer.get("result")
            if not isinstance(result, Mapping):
                raise Unavailable("chain.no_history", got=height, detail=str(answer.get("error", ""))[:120])
            nodes = _nodes(result.get("accountProof"))
            given = result.get("storageProof")
            if not isinstance(given, list) or len(given) != len(part):
                raise Unavailable("chain.answer", detail="storage proofs")
            slots.extend(Slot(one, _nodes(item.get("proof"))) for one, item in zip(part, given, strict=True))
        return StateProof(address, nodes, tuple(slots))

    def _request(self, method: str, params: list[Any]) -> Mapping[str, Any]:
        try:
            answer = self._provider.make_request(RPCEndpoint(method), params)
        except (RequestException, ValueError) as error:
            raise Unavailable("chain.unreachable") from error
        if not isinstance(answer, Mapping):
            raise Unavailable("chain.answer", detail=method)
        return cast(Mapping[str, Any], answer)

    def _batch(self, calls: Sequence[tuple[str, list[Any]]]) -> list[Any]:
        """Results of several calls, in order; an error among them is `chain.answer`."""
        answers = self._answers(calls)
        if any(answer.get("error") is not None for answer in answers):
            raise Unavailable("chain.answer", detail=f"{calls[0][0]}: error in a batch")
        return [answer.get("result") for answer in answers]

    def _answers(self, calls: Sequence[tuple[str, list[Any]]]) -> list[Mapping[str, Any]]:
        """What the node says to several calls, in order, errors included, at most `BATCH_MAX` in a request."""
        said: list[Mapping[str, Any]] = []
        for start in range(0, len(calls), BATCH_MAX):
            part = [(RPCEndpoint(method), params) for method, params in calls[start : start + BATCH_MAX]]
            try:
                answers = self._provider.make_batch_request(part)
            except (RequestException, ValueError) as error:
                raise Unavailable("chain.unreachable") from error
            except (AttributeError, LookupError, TypeError, UserWarning) as error:
                raise Unavailable("chain.answer", detail=f"{part[0][0]}: batch") from error
            if not isinstance(answers, list) or len(answers) != len(part):
                raise Unavailable("chain.answer", detail=f"{part[0][0]}: batch")
            # Nodes may answer in any order; the client library sorts by the requests' ids.
            said.extend(cast(list[Mapping[str, Any]], answers))
        return said

    def _ask(self, method: str, *params: Any) -> Any:
        return _result(method, self._request(method, list(params)))


def _result(method: str, answer: Mapping[str, Any]) -> Any:
    """The result in an answer. Raises Reverted, Unavailable `chain.answer`."""
    error = answer.get("error")
    if error is None:
        return answer.get("result")
    data = error.get("data") if isinstance(error, Mapping) else None
    message = str(error.get("message", "")) if isinstance(error, Mapping) else str(error)
    reverted = isinstance(error, Mapping) and error.get("code") == _REVERTED
    if method == "eth_call" and (reverted or "revert" in message.lower()):
        raise Reverted(_revert_data(data))
    raise Unavailable("chain.answer", detail=f"{method}: {message[:120]}")


def _refusal(answer: Mapping[str, Any]) -> Reverted | None:
    try:
        _result("eth_call", answer)
    except Reverted as refusal:
        return refusal
    return None


def _revert_data(data: object) -> bytes:
    """Revert data as clients give it: hex, or hex after a word."""
    if isinstance(data, str) and "0x" in data:
        return _bytes(data[data.index("0x") :])
    return b""


def _tag(height: int | None) -> str:
    return "latest" if height is None else hex(height)


def _hex(data: bytes) -> str:
    return "0x" + bytes(data).hex()


def _bytes(value: object, size: int | None = None) -> bytes:
    try:
        data = bytes.fromhex(str(value)[2:]) if str(value).startswith("0x") else None
    except ValueError:
        data = None
    if data is None or (size is not None and len(data) != size):
        raise Unavailable("chain.answer", expected="hex", detail=None if size is None else f"{size} bytes")
    return data


def _integer(value: object) -> int:
    if isinstance(value, int):
        return value
    try:
        return int(str(value), 16)
    except ValueError:
        raise Unavailable("chain.answer", expected="a number") from None


def _block(answer: object) -> Block:
    if not isinstance(answer, Mapping):
        raise Unavailable("chain.answer", expected="a block")
    return Block(
        number=_integer(answer.get("number")),
        hash=_bytes(answer.get("hash"), 32),
        parent=_bytes(answer.get("parentHash"), 32),
        time=_integer(answer.get("timestamp")),
    )


def _mined(transaction: bytes, answer: object) -> Mined | None:
    if answer is None:
        return None
    if not isinstance(answer, Mapping):
        raise Unavailable("chain.answer", expected="a receipt")
    if _bytes(answer.get("transactionHash"), 32) != transaction:
        raise Unavailable("chain.answer", detail="receipt of another transaction")
    contract = answer.get("contractAddress")
    return Mined(
        transaction=transaction,
        block_number=_integer(answer.get("blockNumber")),
        block_hash=_bytes(answer.get("blockHash"), 32),
        succeeded=_integer(answer.get("status")) == 1,
        gas_used=_integer(answer.get("gasUsed")),
        contract=None if contract is None else _bytes(contract, 20),
    )


def _log(item: Mapping[str, Any]) -> Log:
    if item.get("removed"):
        raise Unavailable("chain.answer", detail="removed log")
    return Log(
        address=_bytes(item.get("address"), 20),
        topics=tuple(_bytes(topic, 32) for topic in item.get("topics", [])),
        data=_bytes(item.get("data")),
        block_number=_integer(item.get("blockNumber")),
        block_hash=_bytes(item.get("blockHash"), 32),
        transaction=_bytes(item.get("transactionHash"), 32),
        index=_integer(item.get("logIndex")),
    )


def _nodes(value: object) -> tuple[bytes, ...]:
    if not isinstance(value, list):
        raise Unavailable("chain.answer", expected="proof nodes")
    return canonical_nodes([_bytes(node) for node in value])
