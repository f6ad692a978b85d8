"""API tokens: make, check, list, revoke.

Guaranteed: only the SM3 of a token's text is stored, the text has 256 random bits, and the holder's label is encrypted.
Not guaranteed: who uses a token that was given away; that is why it ends and can be revoked.
"""

import secrets
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from ledger.domain.limits import TOKEN_LABEL_MAX, TOKEN_LIFE_MAX_MS, TOKEN_LIFE_MIN_MS
from ledger.domain.records import Scope, TokenRow
from ledger.ports import Clock, Store, Vault
from tiezheng.digest import sm3
from tiezheng.errors import Malformed, NotFound, Refused, Unauthorised
from tiezheng.statement import is_institution, is_practitioner

PREFIX: Final = "tzt_"
_BYTES: Final = 32
_TEXT_MAX: Final = 128
_LABEL: Final = b"tiezheng/token"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who a request comes from. `number` is a practitioner's, or None for a system."""

    institution: int
    number: int | None
    scopes: frozenset[Scope]

    def require(self, scope: Scope) -> None:
        """Raises Refused `auth.forbidden` without this scope."""
        if scope not in self.scopes:
            raise Refused("auth.forbidden", expected=scope.value)


@dataclass(frozen=True, slots=True)
class TokenView:
    """A token as its institution's administrator sees it; `id` is the SM3 of its text."""

    id: bytes
    holder: str
    row: TokenRow


def issue_token(
    store: Store,
    vault: Vault,
    clock: Clock,
    institution: int,
    holder: str,
    scopes: Collection[Scope],
    life_ms: int,
    number: int | None = None,
) -> str:
    """A new token; its text is shown this once. Raises Malformed `token.*`."""
    if not is_institution(institution) or (number is not None and not is_practitioner(number)):
        raise Malformed("statement.institution", got=institution)
    if not 1 <= len(holder) <= TOKEN_LABEL_MAX:
        raise Malformed("token.label", expected=TOKEN_LABEL_MAX, got=len(holder))
    if not scopes:
        raise Malformed("token.scope")
    if not TOKEN_LIFE_MIN_MS <= life_ms <= TOKEN_LIFE_MAX_MS:
        raise Malformed("token.life", got=life_ms)
    text = PREFIX + secrets.token_urlsafe(_BYTES)
    digest = sm3(text.encode())
    sealed = vault.seal_for(institution, _LABEL + digest, holder.encode())
    now = clock.now_ms()
    row = TokenRow(digest, institution, sealed, number, frozenset(scopes), now, now + life_ms)
    with store.write() as tables:
        tables.tokens.add(row)
    return text


def credential_of(text: str) -> bytes:
    """What stands for a token in the database: the SM3 of its text. Raises Unauthorised `auth.invalid` by its form."""
    if not text.startswith(PREFIX) or len(text) > _TEXT_MAX:
        raise Unauthorised("auth.invalid")
    return sm3(text.encode())


def caller_of(row: TokenRow | None, now: int) -> Caller:
    """Who holds this token. Raises Unauthorised `auth.invalid` for an unknown, ended or revoked one."""
    if row is None or row.revoked is not None or now >= row.expires:
        raise Unauthorised("auth.invalid")
    return Caller(row.institution, row.number, row.scopes)


def authenticate(store: Store, clock: Clock, credential: bytes) -> Caller:
    """Who holds the token that this credential stands for; errors as `caller_of`."""
    with store.read() as tables:
        row = tables.tokens.get(credential)
    return caller_of(row, clock.now_ms())


def list_tokens(store: Store, vault: Vault, institution: int) -> list[TokenView]:
    """All tokens of an institution, ended ones too."""
    with store.read() as tables:
        rows = tables.tokens.of_institution(institution)
    return [
        TokenView(row.digest, vault.open_for(institution, _LABEL + row.digest, row.holder).decode(), row)
        for row in rows
    ]


def revoke_token(store: Store, clock: Clock, institution: int, digest: bytes) -> None:
    """End a token now; again is no change. Raises NotFound `token.not_found`, also for another institution's."""
    with store.write() as tables:
        row = tables.tokens.get(digest)
        if row is None or row.institution != institution:
            raise NotFound("token.not_found")
        tables.tokens.revoke(digest, clock.now_ms())
