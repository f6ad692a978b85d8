"""Signers: their keys, and their private identity cards.

Guaranteed: a card is kept only if its root is the one that the chain fixed with a key of that number; it is encrypted
under its institution's key. Not guaranteed: that the name on it is true; the institution and the regulator answer.
"""

from dataclasses import dataclass
from typing import Final

from ledger.domain.records import CardRow, KeyRow
from ledger.ports import Store, Tables, Vault
from tiezheng.content import Content, ContentType, parse_private_json, to_private_json
from tiezheng.errors import NotFound, Refused, VerificationFailed
from tiezheng.identity import check_card, disclose_card

_LABEL: Final = b"tiezheng/card"
_CARD_MAX_BYTES: Final = 16_384


@dataclass(frozen=True, slots=True)
class SignerView:
    """What is public of a signer: the institution and the keys, ascending by index."""

    number: int
    institution: int
    keys: tuple[KeyRow, ...]


def read_signer(store: Store, number: int) -> SignerView:
    """Raises NotFound `key.unknown`."""
    with store.read() as tables:
        keys = tables.members.keys(number)
    if not keys:
        raise NotFound("key.unknown", got=number)
    return SignerView(number, keys[-1].institution, tuple(keys))


def put_card(store: Store, vault: Vault, number: int, institution: int | None, private_json: bytes) -> None:
    """Keep the card of a signer of this institution (None: a caller that is trusted to have checked).

    Raises NotFound `key.unknown`, Refused `auth.forbidden`, VerificationFailed `content.*`.
    """
    card = parse_private_json(private_json, _CARD_MAX_BYTES)
    with store.read() as tables:
        keys = tables.members.keys(number)
    if not keys:
        raise NotFound("key.unknown", got=number)
    owner = keys[-1].institution
    if institution is not None and institution != owner:
        raise Refused("auth.forbidden", expected=owner, got=institution)
    if card.type is not ContentType.CARD or card.root not in {key.identity_root for key in keys}:
        raise VerificationFailed("content.root_mismatch", got=card.root)
    keep_card(store, vault, number, owner, card)


def keep_card(store: Store, vault: Vault, number: int, institution: int, card: Content) -> None:
    """Keep a card without comparing it with the chain: for a founding, whose cards are there before its chain is read.

    A card whose root no key has is never handed out. Raises Malformed `content.type`, VerificationFailed `content.*`.
    """
    check_card(disclose_card(card), card.root, number)
    sealed = vault.seal_for(institution, _LABEL + card.root, to_private_json(card))
    with store.write() as tables:
        tables.members.put_card(CardRow(number, card.root, sealed))


def sealed_card(tables: Tables, key: KeyRow) -> CardRow | None:
    """The card that was fixed with this key, still sealed."""
    return tables.members.card(key.number, key.identity_root)


def open_card(vault: Vault, key: KeyRow, row: CardRow) -> Content:
    """The card in the clear."""
    return parse_private_json(vault.open_for(key.institution, _LABEL + row.identity_root, row.sealed), _CARD_MAX_BYTES)
