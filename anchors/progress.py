"""How an audit says how far it is: what is looked at, how many so far, and of how many where that is known."""

from typing import Protocol


class Progress(Protocol):
    """Told often; has to be cheap."""

    def __call__(self, what: str, count: int, total: int | None = None) -> None: ...


def silent(what: str, count: int, total: int | None = None) -> None:
    """Tells nobody."""
