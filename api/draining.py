"""The time between the wish to stop and the stop.

Guaranteed: once begun it never ends. Not guaranteed: that whoever sends requests here learns of it in time; a balancer
that asks `GET /v1/ready` does.
"""

import threading


class Drain:
    """Whether the service is stopping. Set from a signal handler, read from the event loop."""

    def __init__(self) -> None:
        self._begun = threading.Event()

    @property
    def begun(self) -> bool:
        """Whether new requests are to be sent away."""
        return self._begun.is_set()

    def begin(self) -> None:
        """From here on."""
        self._begun.set()
