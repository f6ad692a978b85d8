"""`tiezheng collect list`: collections that the own institution opened or that wait for one of its signers."""

from tiezheng.cli.case_show import kind_named
from tiezheng.cli.output import AsJson, emit, say, table
from tiezheng.cli.profile import ProfileFile
from tiezheng.cli.session import open_session
from tiezheng.cli.times import show_time
from tiezheng.statement import parse_statement


def collect_list(profile: ProfileFile = None, _json: AsJson = False) -> None:
    """列出待签 / list what waits"""
    with open_session(profile) as session:
        waiting = session.client.collections()
    rows = []
    for one in waiting:
        statement = parse_statement(bytes.fromhex(one["statement"]))
        signed = set(one.get("signed", ()))
        missing = [str(signer) for signer, _ in one.get("plan", ()) if signer not in signed]
        rows.append((one["id"], kind_named(statement.kind), ", ".join(missing), show_time(one.get("expires"))))
    if not rows:
        say("没有待签的会签。", "Nothing waits for a signature.")
    else:
        table([("会签编号", "collection"), ("步骤", "step"), ("等待", "waiting for"), ("到期", "expires")], rows)
    emit({"collections": waiting})
