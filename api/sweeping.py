"""Abandoned uploads are removed while the service runs.

Guaranteed: once at the start and then every few minutes, in each process, which do not disturb one another; what was
removed is logged as counts alone. Not guaranteed: a second's precision; an expired upload is answered as missing from
the first moment on.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from api.bootstrap import Rooms
from api.logs import describe
from ledger.domain.limits import UPLOAD_SWEEP_SECONDS
from ledger.services.abandon_upload import sweep_uploads

_log = structlog.get_logger("api.sweeping")


def sweep(rooms: Rooms) -> None:
    """One round; a failure is logged, and the next round tries again."""
    try:
        swept = sweep_uploads(rooms.store, rooms.growing, rooms.clock)
    except Exception as error:  # noqa: BLE001  whatever is wrong with the disk or the database, requests will say so
        _log.error("upload.sweep_failed", error=describe(error))
        return
    if swept.uploads:
        _log.info("upload.swept", uploads=swept.uploads, bytes=swept.bytes)


@contextmanager
def sweeping(rooms: Rooms) -> Iterator[None]:
    """Sweep in a thread until the end of the `with`."""
    stop = threading.Event()

    def run() -> None:
        sweep(rooms)
        while not stop.wait(UPLOAD_SWEEP_SECONDS):
            sweep(rooms)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
