"""Whether this process may be given requests now, and if not, why, as codes of the catalogue.

Guaranteed: ready means that a write was durable a moment ago, that the operator's key in use has not ended, that the
worker saw a block within the last minute and stands before no fault, and that the disk has room. Not guaranteed: that
any of it holds a second later.
"""

import shutil
import threading
import time
from typing import TYPE_CHECKING, Final

from ledger.domain.limits import DISK_FREE_MIN_BYTES, STALE_MS
from ledger.services.read_vitals import read_vitals
from tiezheng.errors import TiezhengError

if TYPE_CHECKING:
    from api.bootstrap import Rooms

# Everybody may ask, and each look writes: more often than this, the last answer is given again.
LOOK_SECONDS: Final = 1.0


class Readiness:
    """Looks when asked, at most once in `LOOK_SECONDS`, whoever asks and however often."""

    def __init__(self, rooms: "Rooms") -> None:
        self._rooms = rooms
        self._lock = threading.Lock()
        self._looked: float | None = None
        self._reasons: tuple[str, ...] = ()

    def reasons(self) -> tuple[str, ...]:
        """Codes of what stands in the way; none if it is ready."""
        with self._lock:
            if self._looked is None or time.monotonic() - self._looked >= LOOK_SECONDS:
                self._reasons = tuple(dict.fromkeys((*self._database(), *self._disk())))
                self._looked = time.monotonic()
            return self._reasons

    def _database(self) -> list[str]:
        rooms, found = self._rooms, list[str]()
        try:
            rooms.sql.probe()
            vitals = read_vitals(
                rooms.store, rooms.trust, rooms.operator.number, rooms.operator.key_index, rooms.clock.now_ms()
            )
        except TiezhengError as error:
            return [error.code]
        except Exception:  # noqa: BLE001  whatever it is, nothing can be written now
            return ["service.unavailable"]
        if vitals.fault is not None:
            found += ["integrity.fault", vitals.fault.code]
        elif vitals.head is None or rooms.clock.now_ms() - vitals.head.seen > STALE_MS:
            found.append("chain.stale")
        if vitals.operator_key_ended:
            found.append("config.operator_key_ended")
        return found

    def _disk(self) -> list[str]:
        enough = shutil.disk_usage(self._rooms.leaves).free >= DISK_FREE_MIN_BYTES
        return [] if enough else ["service.disk"]
