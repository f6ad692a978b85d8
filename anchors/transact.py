"""One transaction from an account that nobody else uses: deployment and governance.

Guaranteed: a call that the contract refuses is not sent, and its reason is given. Not guaranteed: survival of a crash;
the worker's own transactions go through `anchors.sender`, which stores before it sends. Use an account of its own here,
for two writers of one account take each other's nonces.
"""

import time
from collections.abc import Callable
from typing import Final

from anchors.chains.port import Chain, Mined, Reverted
from anchors.chains.relayer import Relayer
from tiezheng.errors import IntegrityFault, Refused, Unavailable
from tiezheng.refusals import reason_of

# Creating the largest contract and founding with 32 signatures stay below.
GAS: Final = 60_000_000
WAIT_SECONDS: Final = 60.0
_POLL_SECONDS: Final = 0.1


def transact(
    chain: Chain,
    relayer: Relayer,
    chain_id: int,
    to: bytes | None,
    data: bytes,
    *,
    gas: int = GAS,
    sleep: Callable[[float], None] = time.sleep,
) -> Mined:
    """Send and wait until it is in a block.

    Raises Refused with the refusal's code when the contract refuses (`chain.rejected` for an unnamed reason),
    Unavailable `chain.unreachable`, `chain.answer`.
    """
    if to is not None:
        try:
            chain.call(to, data)
        except Reverted as refusal:
            raise refused(refusal) from None
    signed = relayer.sign(chain_id=chain_id, nonce=chain.next_nonce(relayer.address), to=to, data=data, gas=gas)
    chain.send(signed.raw)
    for _ in range(int(WAIT_SECONDS / _POLL_SECONDS)):
        mined = chain.mined(signed.hash)
        if mined is not None:
            if not mined.succeeded:
                raise IntegrityFault("chain.rejected", got=signed.hash, detail="mined, but failed")
            return mined
        sleep(_POLL_SECONDS)
    raise Unavailable("chain.answer", detail="transaction not mined in time")


def refused(refusal: Reverted) -> Refused:
    """The error for a contract's refusal, with its reason's code where the contract named one."""
    reason = reason_of(refusal.data)
    if reason is None:
        return Refused("chain.rejected", got=refusal.data[:4], detail="no named reason")
    return Refused(reason.code, detail=reason.error)
