"""Plants every manipulation of `tests/support/manipulations.py` in a healthy stack, one by one, and audits.

A chain, a service with its worker and witnesses, and a customer's folder of receipts and bundles are made on the spot;
each manipulation is planted in a copy, has to be named and nothing else, is found alike by an incremental audit, and
the restored copy has to be clean. Exit code 1 if one was not.

    .venv/bin/python scripts/plant_manipulations.py
"""

import shutil
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from anchors.audit_result import Report
from anchors.chains.anvil import free_port, start_anvil, stop_anvil
from anchors.chains.relayer import Relayer
from anchors.chains.rpc import RpcChain
from tests.support.audited import Place, make_history, make_place
from tests.support.consortium import APPROVER, NOTARY, Consortium
from tests.support.fake_chain import FakeChain
from tests.support.manipulations import MANIPULATIONS, OF_THE_SERVICE, Plant, strangers
from tests.support.stage import Stage


def main() -> int:
    with tempfile.TemporaryDirectory() as name:
        folder, port = Path(name), free_port()
        anvil = start_anvil(folder, port, folder / "anvil.log")
        try:
            print("建立一条链和一个服务 / making a chain and a service", flush=True)
            chain, consortium, relayer = RpcChain(anvil.url), Consortium(), Relayer(b"\1" * 32)
            consortium.found(chain, relayer, anvil.url)
            for number in (NOTARY, APPROVER):
                consortium.admit(chain, relayer, number)
            stage = Stage(folder / "service", chain, consortium, Relayer(b"\2" * 32))
            stage.open()
            try:
                return plant_all(stage, folder)
            finally:
                stage.close()
        finally:
            stop_anvil(anvil.pid)


def plant_all(stage: Stage, folder: Path) -> int:
    stage.worker.round()
    stage.deposit_cards()
    stage.invite_witnesses()
    place = make_place(make_history(stage), folder / "place")
    if not place.audit(memory=True).clean:
        print("未植入改动时审计即有发现 / the untouched copy is not clean")
        return 1
    shutil.copytree(place.root, folder / "healthy")
    missed = 0
    for number, (plant, code) in enumerate(MANIPULATIONS, 1):
        problem = try_one(place, plant, code)
        shutil.rmtree(place.root)
        shutil.copytree(folder / "healthy", place.root)
        place.chain = FakeChain(place.fake.real)
        if not problem and not place.audit(memory=True).clean:
            problem = "not clean after it was restored"
        missed += bool(problem)
        print(f"{number:>3}. {plant.__name__:<26} {code:<26} {problem or '✓'}", flush=True)
    count = len(MANIPULATIONS)
    print(f"植入 {count} 处，未如期指出 {missed} 处 / {count} planted, {missed} not named as they should be")
    return int(missed > 0)


def try_one(place: Place, plant: Plant, code: str) -> str:
    """What is wrong with the audit's answer; empty where nothing is."""
    named = plant(place)
    report = place.audit()
    if code not in {one.code for one in report.findings}:
        return "not found"
    if others := strangers(report, named):
        return f"named besides: {others[0]}"
    if (plant, code) in OF_THE_SERVICE and seen(place.audit(memory=True)) != seen(report):
        return "an incremental audit finds something else"
    return ""


def seen(report: Report) -> set[tuple[str, str, str]]:
    return {(one.code, one.subject, one.detail) for one in report.findings}


if __name__ == "__main__":
    sys.exit(main())
