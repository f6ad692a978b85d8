"""The operator's guide and `deploy/` name what there is: commands, metrics, alarms, fault codes; in both languages."""

import ast
import configparser
import re
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path

import pytest
import typer

from api.metrics import LedgerCollector, Metrics
from tests.support.served import serve
from tiezheng.cli.main import COMMANDS
from tiezheng.errors import CATALOGUE

ROOT = Path(__file__).parents[2]
GUIDES = {name: (ROOT / "docs" / "guides" / name).read_text("utf-8") for name in ("operator.md", "operator.zh-CN.md")}
ALERTS = (ROOT / "deploy" / "monitoring" / "alerts.yml").read_text("utf-8")
UNITS = sorted((ROOT / "deploy" / "systemd").glob("*.service"))
WORKER = ("worker", "follow", "sender", "seal_batch", "checkpoint", "deployment", "members", "events", "contracts")


def measured(text: str) -> set[str]:
    """Names of metrics in a text, without the ending that a histogram's samples have."""
    found = re.findall(r"\btiezheng_[a-z_]+", text)
    return {re.sub(r"_(bucket|sum|count)$", "", name) for name in found}


@pytest.fixture(scope="module")
def metrics(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """Every metric that a service can tell, also those that need a chain."""
    from tests.integration.api.worked import anchor

    with serve(tmp_path_factory.mktemp("guide") / "home") as service:
        filed = service.world.deposit()
        service.post(filed)
        anchor(service, filed)
        from ledger.domain.chain_records import BlockRef, Fault, Head

        with service.rooms.store.write() as tables:
            tables.chain.put_head(Head(BlockRef(1, b"\7" * 32, 1), 1))
            tables.chain.put_fault(Fault("chain.wrong", "", 1))
        counted = Metrics()
        counted.registry.register(LedgerCollector(service.rooms))
        counted.answered("/x", "GET", 200, 0.1)
        counted.committed(1, 0.1)
        text = counted.text().decode()
    families = set(re.findall(r"^# TYPE (tiezheng_\w+) ", text, re.MULTILINE))
    return {name for name in families if not name.endswith("_created")}


def test_the_guide_lists_every_metric_and_no_other(metrics: set[str]) -> None:
    for name, text in GUIDES.items():
        table = text.partition("tiezheng_http_requests_total")
        assert measured(table[1] + table[2]) | measured(text) == metrics, name
    assert measured(ALERTS) <= metrics


def test_the_guide_says_what_to_do_at_every_alarm() -> None:
    alarms = re.findall(r"alert: (\w+)", ALERTS)
    assert len(alarms) > 10
    for text in GUIDES.values():
        assert re.findall(r"^\| (Tiezheng\w+) \|", text, re.MULTILINE) == alarms


def faults() -> Iterator[str]:
    """Codes of the integrity faults that a round of the worker can raise."""
    storage = (ROOT / "ledger" / "storage").glob("sql_*.py")
    for path in (*(ROOT / "anchors" / f"{name}.py" for name in WORKER), *storage):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "IntegrityFault":
                code = node.args[0]
                assert isinstance(code, ast.Constant), path
                yield str(code.value)


def test_the_guide_says_what_to_do_at_every_fault_of_the_worker() -> None:
    codes = set(faults())
    assert len(codes) > 8
    for text in GUIDES.values():
        rows = re.findall(r"^\| (`[^|]+) \|", text, re.MULTILINE)
        listed = {code for row in rows for code in re.findall(r"`([^`]+)`", row)}
        assert codes <= listed, codes - listed
    assert codes <= CATALOGUE.keys()


def test_both_languages_have_the_same_sections_and_commands() -> None:
    shapes = [re.findall(r"^(#+) (?:(\d[\d.]*) )?", text, re.MULTILINE) for text in GUIDES.values()]
    assert shapes[0] == shapes[1]
    named = [sorted(set(re.findall(r"tiezheng [a-z]+(?: [a-z-]+)?", text))) for text in GUIDES.values()]
    assert named[0] == named[1]


def test_every_command_that_the_guide_names_is_there() -> None:
    points = {point.name: point for point in entry_points(group="tiezheng.commands")}
    for first, second in {
        (found[1], found[2])
        for text in (*GUIDES.values(), *(unit.read_text("utf-8") for unit in UNITS))
        for found in re.finditer(r"(?:`|\n|bin/|  )tiezheng ([a-z]+)(?: ([a-z][a-z-]+))?", text)
    }:
        assert first in points or first in COMMANDS, first
        target = points[first].load() if first in points else None
        if isinstance(target, typer.Typer):
            # `tiezheng backup DIR`: a group of this kind has a command whose name may be left out.
            short = {None} if getattr(target.info.cls, "short", False) else set[str | None]()
            assert second in {command.name for command in target.registered_commands} | short, (first, second)


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_a_unit_runs_a_command_with_options_that_it_has(unit: Path) -> None:
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(unit)
    words = parser["Service"]["ExecStart"].split()
    assert words[0] == "/opt/tiezheng/.venv/bin/tiezheng"
    (point,) = [one for one in entry_points(group="tiezheng.commands") if one.name == words[1]]
    app = typer.Typer()
    app.command()(point.load())
    known = {option for parameter in typer.main.get_command(app).params for option in parameter.opts}
    assert {word for word in words[2:] if word.startswith("--")} <= known
    assert parser["Service"]["UMask"] == "0077"
    # The worker is not started again after an integrity fault: somebody has to look first.
    assert parser["Service"]["Restart"] == ("on-failure" if words[1] == "serve" else "on-abnormal")
