"""A campaign: clients submit, processes are killed one after another, and what must hold is checked after each kill.

Guaranteed: the next boundary is one of those that were hit least often and waited for in vain least often; each kill is
a line of JSON in the log, with its process, place, outcome and violations; the summary says how many boundaries are
known and how many were hit. Not guaranteed: that each is hit, since some are reached seldom; nor the same moments for
the same seed, which fixes choices and not time.
"""

import json
import random
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from anchors.chains.anvil import free_port
from tests.support.consortium import WITNESSES
from tests.support.kills.checks import Checks
from tests.support.kills.clients import Held, Load
from tests.support.kills.crew import Crew, opened_crew
from tests.support.kills.ground import Ground, opened_ground

# A boundary that is not reached within this time is given up for now; the process is killed where it stands.
REACH_SECONDS: Final = 0.8
THOROUGH_EVERY: Final = 50
# Of 100 kills: at a boundary, at a random moment; the chain is frozen or restarted, in order, for the rest.
AT_BOUNDARY, AT_RANDOM = 70, 96
_SHARES: Final = {"service": 5, "worker": 9, "witness": 2}


@dataclass
class Campaign:
    """`kills` of them with these choices; `database` is a URL or None for the home's SQLite file."""

    root: Path
    kills: int
    seed: int
    log: Path
    database: str | None = None
    services: int = 1
    pause: float = 0.5
    record_seconds: float = 15.0
    reach_seconds: float = REACH_SECONDS
    held: Held = field(default_factory=Held)
    hits: Counter[str] = field(default_factory=Counter)
    missed: Counter[str] = field(default_factory=Counter)
    lines: list[dict[str, object]] = field(default_factory=list)

    def run(self) -> dict[str, object]:
        """Everything; the summary, which is the log's last line."""
        begun, rng = time.monotonic(), random.Random(self.seed)
        with opened_ground(self.root) as ground, self._staffed(ground) as (crew, addresses):
            url = self.database or f"sqlite:///{ground.home.database}"
            checks = Checks(ground, addresses[0], url, self.held, self.seed)
            load = Load(ground, addresses, self.held, self.seed, self.pause)
            for name in crew.commands:
                crew.start(name)
            for name, address in zip(_services(self.services), addresses, strict=True):
                assert crew.wait_answering(name, address), crew.log(name).read_text()[-2000:]
            load.start()
            try:
                time.sleep(self.record_seconds)
                recorded = len(crew.boundaries())
                for number in range(1, self.kills + 1):
                    self._cycle(number, rng, ground, crew, addresses, checks)
            finally:
                load.stop()
            outcome = checks.at_the_end()
            checks.close()
            known = crew.boundaries()
        summary = {
            "kills": len(self.lines),
            "seed": self.seed,
            "database": "sqlite" if self.database is None else self.database.partition(":")[0].partition("+")[0],
            "seconds": round(time.monotonic() - begun, 1),
            "boundaries_recorded": recorded,
            "boundaries_known": len(known),
            "boundaries_hit": len(self.hits),
            "by_process": dict(Counter(str(line["process"]) for line in self.lines)),
            "by_way": dict(Counter(str(line["way"]) for line in self.lines)),
            "by_step": dict(Counter(_step(name) for name in self.hits.elements())),
            "outcome": outcome,
            "violations": self.held.violations[:50],
        }
        self._write(summary)
        return summary

    @contextmanager
    def _staffed(self, ground: Ground) -> Iterator[tuple[Crew, tuple[str, ...]]]:
        home, rpc = str(ground.home.root), ground.anvil.url
        commands: dict[str, tuple[str, ...]] = {}
        addresses = []
        for name in _services(self.services):
            port = free_port()
            addresses.append(f"http://127.0.0.1:{port}")
            commands[name] = ("serve", "--home", home, "--port", str(port))
        commands["worker"] = ("worker", "--home", home, "--rpc", rpc)
        for number in WITNESSES:
            place = ("--home", home, "--service", addresses[0], "--rpc", rpc)
            commands[f"witness-{number}"] = ("witness", "--number", str(number), *place)
        environment = {} if self.database is None else {"TIEZHENG_DATABASE": self.database}
        with opened_crew(ground, commands, environment) as crew:
            yield crew, tuple(addresses)

    def _cycle(
        self, number: int, rng: random.Random, ground: Ground, crew: Crew, addresses: tuple[str, ...], checks: Checks
    ) -> None:
        begun, dice, before = time.monotonic(), rng.randrange(100), len(self.held.violations)
        if dice >= AT_RANDOM:
            process, way, place = "chain", "frozen" if dice < 99 else "restarted", ""
            ground.freeze_chain(rng.uniform(0.2, 1.5)) if way == "frozen" else ground.restart_chain()
        else:
            process = self._choose(rng, crew)
            code, place = None, ""
            if dice < AT_BOUNDARY:
                place = self._boundary(rng, crew, process)
            if place:
                crew.arm(process, place)
                code = crew.wait_ended(process, self.reach_seconds)
            else:
                time.sleep(rng.uniform(0.0, 0.4))
            way = "boundary" if code == -9 else "random"
            if code is None:
                crew.kill(process)
                code = crew.wait_ended(process, 10)
            if code != -9:
                tail = crew.log(process).read_text(errors="replace")[-600:]
                self.held.violate(f"{process} ended by itself with {code}: {tail}")
            if place:
                (self.hits if way == "boundary" else self.missed)[place] += 1
                # At its start it passes boundaries that it passes at no other time.
                crew.start(process)
                if way == "random" and crew.wait_ended(process, self.reach_seconds / 3) == -9:
                    way = "boundary"
                    self.hits[place] += 1
                crew.arm(process, "")
            if crew.exit_code(process) is not None:
                crew.start(process)
            if process in _services(self.services):
                index = _services(self.services).index(process)
                if not crew.wait_answering(process, addresses[index]):
                    self.held.violate(f"{process} did not come back: {crew.log(process).read_text()[-600:]}")
        self._others_live(crew)
        checks.after_kill(thorough=number % THOROUGH_EVERY == 0)
        self._write(
            {
                "n": number,
                "process": process,
                "way": way,
                "place": place if way == "boundary" else "",
                "seconds": round(time.monotonic() - begun, 2),
                "receipts": len(self.held.receipts),
                "violations": self.held.violations[before:],
            }
        )
        self.lines.append({"process": process, "way": way})

    def _choose(self, rng: random.Random, crew: Crew) -> str:
        names = list(crew.commands)
        return rng.choices(names, [_SHARES[name.partition("-")[0]] for name in names])[0]

    def _boundary(self, rng: random.Random, crew: Crew, process: str) -> str:
        """One that was hit least often; those that were waited for in vain come later."""
        known = [name for name in crew.boundaries() if name.partition("|")[0] == process]
        if not known:
            return ""
        least = min(self.hits[name] + 2 * self.missed[name] for name in known)
        return rng.choice([name for name in known if self.hits[name] + 2 * self.missed[name] == least])

    def _others_live(self, crew: Crew) -> None:
        for name in crew.commands:
            code = crew.exit_code(name)
            if code is not None:
                tail = crew.log(name).read_text(errors="replace")[-600:]
                self.held.violate(f"{name} ended by itself with {code}: {tail}")
                crew.start(name)

    def _write(self, line: dict[str, object]) -> None:
        with self.log.open("a") as log:
            log.write(json.dumps(line, ensure_ascii=False, sort_keys=True) + "\n")


def _services(count: int) -> list[str]:
    return ["service", *[f"service-{number}" for number in range(2, count + 1)]]


def _step(name: str) -> str:
    process, what, when, _ = name.split("|")
    return f"{process.partition('-')[0]}: {what} {when}"
