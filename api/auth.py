"""Who calls: bearer tokens and their scopes.

Guaranteed: a request without a valid token reaches no private endpoint; what a caller's institution takes no part in
looks exactly like what does not exist. Not guaranteed: that the person is who the token's label says.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import Depends, Request

from api.bootstrap import Rooms
from ledger.domain.records import Scope
from ledger.services.manage_tokens import Caller, authenticate, credential_of
from ledger.services.permissions import check_participant
from tiezheng.errors import NotFound, Refused, Unauthorised

_SCHEME: Final = "bearer "


async def _rooms(request: Request) -> Rooms:
    rooms = request.app.state.rooms
    assert isinstance(rooms, Rooms)
    return rooms


InRooms = Annotated[Rooms, Depends(_rooms)]
"""The services, in an endpoint."""


def credential_in(request: Request) -> bytes:
    """What stands for the request's token. Raises Unauthorised `auth.missing`, `auth.invalid` by its form."""
    given = request.headers.getlist("authorization")
    if not given:
        raise Unauthorised("auth.missing")
    if len(given) > 1 or given[0][: len(_SCHEME)].lower() != _SCHEME:
        raise Unauthorised("auth.invalid")
    return credential_of(given[0][len(_SCHEME) :].strip())


def caller_of(rooms: Rooms, credential: bytes, scope: Scope) -> Caller:
    """The caller, who has this scope. Raises Unauthorised `auth.invalid`, Refused `auth.forbidden`."""
    caller = authenticate(rooms.store, rooms.clock, credential)
    caller.require(scope)
    return caller


@dataclass(frozen=True, slots=True)
class CallerWith:
    """A dependency: the caller, who has this scope. Raises Unauthorised `auth.*`, Refused `auth.forbidden`."""

    scope: Scope

    def __call__(self, request: Request, rooms: InRooms) -> Caller:
        """Called by the framework for each request."""
        caller = caller_of(rooms, credential_in(request), self.scope)
        request.state.institution = caller.institution
        return caller


@dataclass(frozen=True, slots=True)
class CredentialFor:
    """A dependency: what stands for a token that the endpoint itself holds to this scope. Raises Unauthorised."""

    scope: Scope

    async def __call__(self, request: Request) -> bytes:
        """Called by the framework for each request."""
        return credential_in(request)


Submitter = Annotated[Caller, Depends(CallerWith(Scope.SUBMIT))]
SubmitCredential = Annotated[bytes, Depends(CredentialFor(Scope.SUBMIT))]
Reader = Annotated[Caller, Depends(CallerWith(Scope.READ))]
Administrator = Annotated[Caller, Depends(CallerWith(Scope.ADMIN))]


@contextmanager
def unseen(code: str, got: bytes) -> Iterator[None]:
    """Within: that the caller takes no part in a case becomes NotFound `code`."""
    try:
        yield
    except Refused as error:
        if error.code != "case.not_participant":
            raise
        raise NotFound(code, got=got) from None


def check_part(rooms: Rooms, caller: Caller, case: bytes) -> None:
    """The caller's institution opened the case, is named in it, or could open it. Raises NotFound `case.not_found`."""
    with unseen("case.not_found", case), rooms.store.read() as tables:
        check_participant(tables, case, caller.institution)
