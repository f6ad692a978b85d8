"""Act 3: a matter from application to certificate; another notary approves; two places sign the certificate."""

from datetime import UTC, datetime
from typing import Final

from api.dev.consortium import NOTARY_A, NOTARY_B
from api.dev.stage import Outcome, Stage
from api.dev.story_deposits import Evidence, fetch
from tiezheng.digest import digest_file

CERTIFICATE: Final = "certificate.txt"
_TEXT: Final = """公　证　书（示例）
（2026）示范证字第 117 号

申请人：示范文化传播有限公司
公证事项：合同签署现场监督
兹证明申请人于二〇二六年十一月二日在本处签署了前面的合同，签署行为在公证员面前进行。

NOTARIAL CERTIFICATE (example)
The applicant signed the foregoing contract in the presence of a notary.
"""


def carry_matter(stage: Stage, evidence: Evidence) -> None:
    """All steps, one that the chain would refuse, and the collection of two signatures."""
    (stage.desk / CERTIFICATE).write_text(_TEXT, encoding="utf-8")
    a, b, today = str(NOTARY_A), str(NOTARY_B), datetime.now(UTC)
    stage.tell("公证处盖章受理申请材料", "the office seals the application")
    opened = stage.run(
        *("case", "new", "matter", "--field", "matter_type=现场监督 supervision of a signing"),
        *("--field", "applicant=示范文化传播有限公司 Demo Culture Co.", "--attach", evidence.first, "--json"),
        who="office",
    )
    case = str(opened.answer.get("case", ""))
    _expect(stage, "申请", "application", opened)

    stage.tell("公证员甲受理、告知、审查", "notary A accepts, informs the party, reviews")
    step = ("case", "step", case)
    accept = ("--field", "register_no=DEMO-2026-117", "--field", f"accepted_on={today:%Y-%m-%d}")
    _expect(stage, "受理", "acceptance", stage.run(*step, "accept", "--signer", a, *accept, "--json", who="notary-a"))
    inform: tuple[str, ...] = (
        "--field",
        "items=权利义务与法律后果 rights, duties, consequences",
        "--field",
        "manner=in_person",
    )
    inform += ("--field", f"informed_at={today:%Y-%m-%dT00:00:00Z}", "--field", "party_signed=true")
    _expect(stage, "告知", "information", stage.run(*step, "inform", "--signer", a, *inform, "--json", who="notary-a"))
    check: tuple[str, ...] = ("--field", "method=document_and_face", "--field", "identity_ok=true")
    check += ("--field", f"checked_at={today:%Y-%m-%dT00:00:00Z}")
    _expect(
        stage,
        "核实身份",
        "check of identity",
        stage.run(*step, "identity_check", "--signer", a, *check, "--json", who="notary-a"),
    )
    review: tuple[str, ...] = ()
    for name in ("capacity_ok", "documents_ok", "materials_ok", "matter_ok"):
        review += ("--field", f"{name}=true")
    _expect(stage, "审查", "review", stage.run(*step, "review", "--signer", a, *review, "--json", who="notary-a"))

    stage.tell("承办人自己审批：程序不允许，被拒绝", "the handler approves the own work: the procedure forbids it")
    approve = ("--field", "opinion=同意出证 agreed")
    own = stage.run(*step, "approve", "--signer", a, *approve, "--json", who="notary-a")
    stage.expect(
        "承办人自行审批", "approval by the handler", "procedure.distinct", own.error or own.answer.get("status")
    )
    stage.tell("由另一位公证员乙审批", "another notary, B, approves")
    _expect(stage, "审批", "approval", stage.run(*step, "approve", "--signer", b, *approve, "--json", who="notary-b"))

    stage.tell(
        "出具公证书须两处签名：公证员甲签署，等待公证处盖章", "the certificate takes two: A signs, the seal is awaited"
    )
    sm3 = digest_file(stage.desk / CERTIFICATE).sm3.hex()
    issue: tuple[str, ...] = (
        "--field",
        "certificate_no=（2026）示范证字第117号",
        "--field",
        "certificate_type=现场监督",
    )
    issue += (
        "--field",
        f"issued_on={today:%Y-%m-%d}",
        "--field",
        f"certificate_sm3={sm3}",
        "--field",
        "parties=示范文化传播有限公司",
    )
    files = ("--attach", CERTIFICATE, "--subject", CERTIFICATE)
    begun = stage.run(*step, "issue", "--signer", a, *issue, *files, "--json", who="notary-a")
    stage.expect("甲签署后", "after A has signed", "collecting", begun.answer.get("status", begun.error))
    waiting = stage.run("collect", "list", "--json", who="office").answer.get("collections", [])
    stage.expect("公证处看到的待签", "collections that the office sees", 1, len(waiting))
    collection = str(begun.answer.get("collection", ""))
    sealed = stage.run("collect", "sign", collection, "--signer", "101", "--yes", "--json", who="office")
    stage.expect("公证处盖章后", "after the office has sealed", "submitted", sealed.answer.get("state", sealed.error))

    files_in_court = [CERTIFICATE, evidence.first]
    fetch(stage, str(sealed.answer.get("digest", "")), "matter.bundle.json", files_in_court, evidence)
    stage.show(stage.run("case", "show", case, who="office"))


def _expect(stage: Stage, zh: str, en: str, outcome: Outcome) -> None:
    stage.expect(zh, en, "accepted", outcome.answer.get("status", outcome.error))
