"""The processes under fire: started through the nursery, killed, found ended, started again.

Guaranteed: each process that was started is ended by its own id when the crew is dismissed. Not guaranteed: that a
process ended for the reason that was meant; `ended` tells how it did.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx

from tests.support.kills.boundaries import ARM_SIZE
from tests.support.kills.ground import Ground

START_SECONDS: Final = 30.0
POLL_SECONDS: Final = 0.005
ROOT: Final = Path(__file__).resolve().parents[3]


@dataclass
class Crew:
    """Processes by name: "service", "service-2", "worker", "witness-1" and so on."""

    ground: Ground
    commands: Mapping[str, tuple[str, ...]]
    environment: Mapping[str, str]
    nursery: "subprocess.Popen[str]"
    pids: dict[str, int] = field(default_factory=dict)
    codes: dict[int, int] = field(default_factory=dict)

    def start(self, name: str) -> None:
        """Fork it; it is not waited for."""
        arm = self._arm(name)
        if not arm.exists():
            arm.write_bytes(bytes(ARM_SIZE))
        request = {
            "name": name,
            "arguments": self.commands[name],
            "log": str(self.log(name)),
            "arm": str(arm),
            "record": str(self.record),
            "environment": dict(self.environment),
        }
        self.pids[name] = self._ask(request)["pid"]

    @property
    def record(self) -> Path:
        """Where processes write the names of boundaries."""
        return self.ground.root / "boundaries.txt"

    def log(self, name: str) -> Path:
        """What the process printed, over all its starts."""
        return self.ground.root / f"{name}.log"

    def boundaries(self) -> list[str]:
        """All that any process reached so far."""
        try:
            return sorted(set(self.record.read_text().split("\n")) - {""})
        except FileNotFoundError:
            return []

    def arm(self, name: str, boundary: str) -> None:
        """The process is to end itself there; an empty word disarms."""
        with self._arm(name).open("r+b") as file:
            file.write(boundary.encode().ljust(ARM_SIZE, b"\0"))

    def kill(self, name: str) -> None:
        """SIGKILL, now."""
        os.kill(self.pids[name], signal.SIGKILL)

    def exit_code(self, name: str) -> int | None:
        """None while it lives."""
        pid = self.pids[name]
        for ended, code in self._ask({"ended": True})["ended"].items():
            self.codes[int(ended)] = code
        return self.codes.get(pid)

    def wait_ended(self, name: str, seconds: float) -> int | None:
        """Its exit code, or None if it lives still after that time."""
        deadline = time.monotonic() + seconds
        while (code := self.exit_code(name)) is None and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
        return code

    def wait_answering(self, name: str, address: str) -> bool:
        """Whether the service answers before long."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self.exit_code(name) is not None:
                return False
            try:
                if httpx.get(f"{address}/v1/health", timeout=5, trust_env=False).status_code == 200:
                    return True
            except httpx.HTTPError:
                time.sleep(2 * POLL_SECONDS)
        return False

    def dismiss(self) -> None:
        """End all, in order of SIGTERM and then SIGKILL."""
        alive = [name for name in self.pids if self.exit_code(name) is None]
        for name in alive:
            os.kill(self.pids[name], signal.SIGTERM)
        for name in alive:
            if self.wait_ended(name, 20) is None:
                self.kill(name)
                self.wait_ended(name, 5)

    def _arm(self, name: str) -> Path:
        return self.ground.root / f"{name}.arm"

    def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        assert self.nursery.stdin is not None
        assert self.nursery.stdout is not None
        self.nursery.stdin.write(json.dumps(request) + "\n")
        self.nursery.stdin.flush()
        answer: dict[str, Any] = json.loads(self.nursery.stdout.readline())
        return answer


@contextmanager
def opened_crew(
    ground: Ground, commands: Mapping[str, tuple[str, ...]], environment: Mapping[str, str]
) -> Iterator[Crew]:
    """A crew over a nursery of its own."""
    with (ground.root / "nursery.log").open("ab") as log:
        nursery = subprocess.Popen(
            [sys.executable, "-m", "tests.support.kills.nursery"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
    crew = Crew(ground, commands, environment, nursery)
    try:
        yield crew
    finally:
        try:
            crew.dismiss()
        finally:
            assert nursery.stdin is not None
            nursery.stdin.close()
            nursery.wait(20)
            if nursery.stdout is not None:
                nursery.stdout.close()
