"""Signers: public keys for anyone, private identity cards for their own institution to deposit.

Guaranteed: a card is kept only if its root is the one that the chain fixed with a key; it never leaves through this
resource. Not guaranteed: that a number which the worker has not read yet is unknown to the chain.
"""

from typing import Annotated, Final

from fastapi import APIRouter
from fastapi.responses import Response

from api.answers import json_answer
from api.auth import Administrator, InRooms
from api.bodies import body_up_to, path_number
from api.views import signer_view
from ledger.services.manage_signers import put_card, read_signer

CARD_BODY_MAX: Final = 16_384
_MAX_NUMBER: Final = (1 << 32) - 1

router = APIRouter(prefix="/signers")


@router.get("/{signer}")
def show(rooms: InRooms, signer: str) -> Response:
    """Institution and keys."""
    return json_answer(signer_view(read_signer(rooms.store, path_number(signer, _MAX_NUMBER))))


@router.put("/{signer}/card")
def deposit_card(
    rooms: InRooms, caller: Administrator, signer: str, body: Annotated[bytes, body_up_to(CARD_BODY_MAX)]
) -> Response:
    """Keep the private card (canonical JSON, salts included) of one of the institution's signers."""
    put_card(rooms.store, rooms.vault, path_number(signer, _MAX_NUMBER), caller.institution, body)
    return json_answer({})
