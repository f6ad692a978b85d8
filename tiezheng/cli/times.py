"""Times that people type and read.

Guaranteed: every time that is shown carries its offset. Not guaranteed: that the clock of this computer is right.
"""

import re
import time
from datetime import datetime, timedelta, timezone
from typing import Final

from tiezheng.errors import Malformed

# The one legal time of mainland China, where these procedures apply.
CHINA: Final = timezone(timedelta(hours=8))
_DAY_MS: Final = 86_400_000
_LAST_MS: Final = 253_402_300_799_000
_UTC: Final = re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


def now_ms() -> int:
    """Milliseconds since 1970 UTC, by this computer's clock."""
    return time.time_ns() // 1_000_000


def parse_time(text: str) -> int:
    """Milliseconds since 1970 of `2026-11-23T08:00:00Z`, with another offset, or without one in UTC+8; or of a date.

    Raises Malformed `config.value`.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Malformed("config.value", expected="2026-11-23T08:00:00Z", got=text[:40], detail="time") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=CHINA)
    if moment.timestamp() < 0:
        raise Malformed("config.value", expected="1970 or later", got=text[:40], detail="time")
    return round(moment.timestamp() * 1000)


def show_time(milliseconds: int | None) -> str:
    """`2026-11-23 16:00:00+08:00`; a dash for None."""
    if milliseconds is None:
        return "-"
    if not 0 <= milliseconds <= _LAST_MS:
        return f"{milliseconds} ms"
    return datetime.fromtimestamp(milliseconds // 1000, CHINA).isoformat(sep=" ")


def local_times(text: str) -> str:
    """A sentence with each `2026-11-23T08:00:00Z` in it as `show_time` shows it."""
    return _UTC.sub(lambda found: show_time(parse_time(found[0])), text)


def show_gap(milliseconds: int) -> str:
    """A difference in seconds, or days and hours where it is long; a minus where the claim is after the block."""
    # Block times are whole seconds; less than one says nothing.
    size = abs(milliseconds)
    sign = "-" if milliseconds <= -1000 else ""
    if size < 2 * _DAY_MS:
        return f"{sign}{timedelta(seconds=size // 1000)}"
    return f"{sign}{size // _DAY_MS} d {size % _DAY_MS // 3_600_000} h"
