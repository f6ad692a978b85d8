"""What one caller may take of a service process: requests at once for a token, public requests a second for an address.

Guaranteed: memory is bounded, by the requests that run and by `ADDRESSES_MAX`; a caller over its share is told to wait
and how long, and costs the others nothing. Not guaranteed: a share over several service processes, each of which counts
by itself; and addresses where the server in front does not name them (`X-Forwarded-For`, its last entry): then nobody
is held back, for programs of this machine are not strangers.
"""

import hashlib
import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from starlette.types import Scope

# Half of all connections: a system that hands in a folder fills a commit group several times over with fewer, and no
# token keeps the others out.
RUNNING_PER_TOKEN_MAX: Final = 256
# A person looks up a file, a witness asks once a second; a verifier's page makes a handful of requests. An address may
# stand for an office behind one line.
PUBLIC_PER_SECOND: Final = 20.0
# What an address may ask in one go before that rate holds.
PUBLIC_BURST: Final = 200
# A wrong token costs as much as so many public requests: whoever tries tokens is held to one a second.
WRONG_TOKEN_COST: Final = 20.0
# Addresses that are remembered, those seen last; some 200 bytes each.
ADDRESSES_MAX: Final = 10_000
TOKEN_RETRY_SECONDS: Final = 1
_UNAUTHORISED: Final = 401


class Rates:
    """Shares of callers. To be asked from the event loop; a lock keeps other users safe."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._running: dict[bytes, int] = {}
        self._addresses: OrderedDict[bytes, tuple[float, float]] = OrderedDict()

    def enter(self, scope: Scope) -> int | None:
        """None if the request may run, which `leave` then ends; else seconds to wait."""
        token, address = _token(scope), _address(scope)
        with self._lock:
            if token is not None:
                if self._running.get(token, 0) >= RUNNING_PER_TOKEN_MAX:
                    return TOKEN_RETRY_SECONDS
                # An address that tried wrong tokens waits with the right one too.
                wait = None if address is None else self._wait(address, 0.0)
                if wait is None:
                    self._running[token] = self._running.get(token, 0) + 1
                return wait
            return None if address is None else self._wait(address, 1.0)

    def leave(self, scope: Scope, status: int) -> None:
        """The request that was let in is over, with this status."""
        token, address = _token(scope), _address(scope)
        with self._lock:
            if token is not None:
                left = self._running[token] - 1
                if left:
                    self._running[token] = left
                else:
                    del self._running[token]
            if token is not None and address is not None and status == _UNAUTHORISED:
                self._spend(address, WRONG_TOKEN_COST)

    def _wait(self, address: bytes, cost: float) -> int | None:
        have = self._have(address)
        if have < cost:
            return max(1, math.ceil((cost - have) / PUBLIC_PER_SECOND))
        self._spend(address, cost)
        return None

    def _have(self, address: bytes) -> float:
        left, since = self._addresses.get(address, (float(PUBLIC_BURST), self._now()))
        return min(float(PUBLIC_BURST), left + (self._now() - since) * PUBLIC_PER_SECOND)

    def _spend(self, address: bytes, cost: float) -> None:
        self._addresses[address] = (self._have(address) - cost, self._now())
        self._addresses.move_to_end(address)
        while len(self._addresses) > ADDRESSES_MAX:
            self._addresses.popitem(last=False)


def _token(scope: Scope) -> bytes | None:
    """A digest of the credentials, whether or not they hold."""
    given = [value for name, value in scope["headers"] if name == b"authorization"]
    return hashlib.sha256(b"\0".join(given)).digest() if given else None


def _address(scope: Scope) -> bytes | None:
    """The caller's address as the server in front names it, cut to a sane length."""
    given = [value for name, value in scope["headers"] if name == b"x-forwarded-for"]
    return bytes(given[-1].rpartition(b",")[2].strip()[:64]) or None if given else None
