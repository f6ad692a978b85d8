"""Logs of the server processes: one JSON object a line on standard error, events named noun.verb.

Guaranteed: a traceback is written as the types of its errors and the places in this product's code, never with their
messages, which could quote what a person wrote. Not guaranteed: what whoever calls a logger puts into an event;
digests, numbers and codes belong there, names, contents and addresses with queries do not.
"""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any, Final

import structlog

_FRAMES: Final = 12
_ROOMS: Final = ("api", "anchors", "ledger", "tiezheng")


def describe(error: BaseException) -> list[str]:
    """Types of an error and of what caused it, each with the last places in this product: `Type module:line …`."""
    told: list[str] = []
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen and len(told) < _FRAMES:
        seen.add(id(current))
        places, trace = [], current.__traceback__
        while trace is not None:
            module = str(trace.tb_frame.f_globals.get("__name__", "?"))
            if module.partition(".")[0] in _ROOMS:
                places.append(f"{module}:{trace.tb_lineno}")
            trace = trace.tb_next
        told.append(" ".join([type(current).__name__, *places[-_FRAMES:]]))
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)
    return told


def _types_only(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    info = event.pop("exc_info", None)
    if info is True:
        info = sys.exc_info()
    if isinstance(info, BaseException):
        event["error"] = describe(info)
    elif isinstance(info, tuple) and info[1] is not None:
        event["error"] = describe(info[1])
    return event


class _Bridge(logging.Handler):
    """Messages of libraries, as one event with the library's name and the level; the text only of the server itself."""

    def emit(self, record: logging.LogRecord) -> None:
        event: dict[str, Any] = {"logger": record.name, "level": record.levelname.lower()}
        if record.exc_info and record.exc_info[1] is not None:
            event["error"] = describe(record.exc_info[1])
        elif record.name.startswith("uvicorn"):
            event["message"] = record.getMessage()[:200]
        _print("library.spoke", event)


def _print(name: str, event: dict[str, Any]) -> None:
    structlog.get_logger("api.library").info(name, **{key: event[key] for key in event if key != "level"})


def configure_logs(level: str = "INFO") -> None:
    """Set up structlog and route what libraries log through it; call once when a process starts."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _types_only,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    root.handlers[:] = [_Bridge()]
    root.setLevel(logging.WARNING)
