"""The verifier: a numbered checklist over one bundle and one trust file (spec/SPEC.md §12).

Guaranteed: no evidence makes it raise; a step that was not carried out is NOT CHECKED, never PASSED; anything present
that fails gives INVALID, anything needed that is missing gives INCONCLUSIVE. A `Verifier` keeps answers between bundles
without changing any. Not guaranteed: use by several threads at once; give each its own `Verifier`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from tiezheng.bundle import Bundle, parse_bundle
from tiezheng.errors import CATALOGUE, TiezhengError
from tiezheng.trust import Trust
from tiezheng.verify.chain_state import CACHE_SIZE, Caches, ChainState
from tiezheng.verify.facts import collect, iso_seconds
from tiezheng.verify.finality import check_finality
from tiezheng.verify.on_chain import check_anchor, check_contracts, check_header, resolve
from tiezheng.verify.originals import check_files, check_time
from tiezheng.verify.papers import check_content, check_signatures, check_statements, check_trust
from tiezheng.verify.people import check_identities, check_keys
from tiezheng.verify.run import Act, LabelledFile, Run, describe
from tiezheng.verify.verdict import Finding, Missing, Notes, Result, Status, Step, Verdict


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of the checklist. `zh` and `en` say what holds when it passed."""

    id: str
    section: str
    zh: str
    en: str
    check: Callable[[Run, Notes], None] | None = None


RULES: Final[tuple[Rule, ...]] = (
    Rule("format", "§10", "证据包格式严格合规。", "The bundle is strictly well formed."),
    Rule(
        "trust",
        "§11",
        "信任根文件属于该账本且在有效期内。",
        "The trust file is for this ledger and in force.",
        check_trust,
    ),
    Rule(
        "statements",
        "§3, §8",
        "声明属于同一案件，依次衔接，种类出自受信任的程序。",
        "The statements are of one case, linked, and of kinds that a trusted procedure lists.",
        check_statements,
    ),
    Rule(
        "content",
        "§4",
        "公开的内容与签署时的内容根一致。",
        "What is disclosed proves into the content root that was signed.",
        check_content,
    ),
    Rule(
        "signatures",
        "§2",
        "全部 SM2 签名有效，人数与角色符合程序。",
        "Every SM2 signature holds; number and roles are as the procedure lists.",
        check_signatures,
    ),
    Rule(
        "header",
        "§9",
        "区块头完整，区块摘要由其算出。",
        "The block header is whole, and its hash computed from it.",
        check_header,
    ),
    Rule(
        "contracts",
        "§11",
        "合约地址与代码均为信任根文件所列。",
        "The contracts' addresses and code are those that the trust file pins.",
        check_contracts,
    ),
    Rule("anchor", "§6, §8.5", "声明已登记在链上。", "The statements are recorded on chain.", check_anchor),
    Rule(
        "keys",
        "§5.3",
        "签名密钥已登记，上链时有效，机构与职能相符。",
        "The keys were registered and valid at the block time; institution and function agree.",
        check_keys,
    ),
    Rule(
        "identity",
        "§4.5",
        "身份卡与登记密钥时固定的身份一致。",
        "The identity cards are those that were fixed with the keys.",
        check_identities,
    ),
    Rule(
        "finality",
        "§9",
        "达到信任根文件要求的最终性。",
        "The block is final as the trust file requires.",
        check_finality,
    ),
    Rule(
        "time",
        "§3",
        "所称发生时间不晚于区块时间五分钟以上。",
        "The claimed time is at most 5 minutes after the block.",
        check_time,
    ),
    Rule(
        "files",
        "§4",
        "提供的文件与存证摘要一致。",
        "Every given file equals a digest in the evidence.",
        check_files,
    ),
)
# Steps that may stay open without making the verdict INCONCLUSIVE; step 12 is open only where step 8 is.
_OPTIONAL: Final = frozenset({"time", "files"})
_DEPENDS: Final = "verify.depends"
_NOT_CHECKED_ZH: Final = "未核验："
_NOT_CHECKED_EN: Final = "Not checked: "


class Verifier:
    """Verifies bundles against one trust file, sharing work between bundles of one block or signer.

    `cache_size` bounds each cache, in entries; 0 keeps nothing.
    """

    __slots__ = ("_caches", "trust")

    def __init__(self, trust: Trust, cache_size: int = CACHE_SIZE) -> None:
        self.trust = trust
        self._caches = Caches(cache_size)

    def verify(self, bundle: bytes | Bundle, at_ms: int, files: Sequence[LabelledFile] = ()) -> Verdict:
        """The verdict at `at_ms` (ms since 1970, by the verifier's own clock), with `files` held against it."""
        notes = {rule.id: Notes() for rule in RULES}
        try:
            parsed = bundle if isinstance(bundle, Bundle) else parse_bundle(bundle)
        except TiezhengError as error:
            notes["format"].fail(error.code, describe(error))
            return _unread(notes)
        run = self._start(parsed, at_ms, files)
        resolve(run)
        for at, rule in enumerate(RULES):
            if rule.check is not None:
                rule.check(run, notes[rule.id])
            # Under another ledger's trust file nothing else has a meaning.
            if rule.id == "trust" and notes["trust"].failures:
                for later in RULES[at + 1 :]:
                    notes[later.id].lack(_DEPENDS)
                break
        _note_limits(run)
        return _conclude(run, notes)

    def _start(self, bundle: Bundle, at_ms: int, files: Sequence[LabelledFile]) -> Run:
        state = None if bundle.chain is None else ChainState(bundle.chain, self.trust, self._caches)
        return Run(
            bundle=bundle,
            trust=self.trust,
            at_ms=at_ms,
            files=files,
            caches=self._caches,
            state=state,
            acts=[Act(item) for item in bundle.statements],
            signers={signer.key: signer for signer in bundle.signers},
        )


def verify(bundle: bytes | Bundle, trust: Trust, at_ms: int, files: Sequence[LabelledFile] = ()) -> Verdict:
    """One bundle by itself; for many, use one `Verifier`."""
    return Verifier(trust).verify(bundle, at_ms, files)


def _note_limits(run: Run) -> None:
    """Findings about what no step can say."""
    if run.in_batch:
        run.find(
            "order.not_checked",
            "批量通道：案件内的先后次序未核验（批量存证只有一个步骤）。",
            "Batch lane: order within the case is not checked (a bulk deposit has one step).",
        )
    if run.state is not None and run.state.header is not None:
        number = run.state.header.number
        run.find(
            "status.after_unknown",
            f"第 {number} 号区块之后是否有更正、撤销等，本证据包不能说明。",
            f"What came after block {number} (corrections, revocations) is not shown by this bundle.",
        )


def _unread(notes: dict[str, Notes]) -> Verdict:
    for rule in RULES[1:]:
        notes[rule.id].lack(_DEPENDS)
    return Verdict(
        result=Result.INVALID,
        zh="无效：证据包不合规，未能读取。",
        en="INVALID: the bundle is not well formed and was not read.",
        steps=_steps(notes),
        findings=(),
        missing=(),
        facts={},
    )


def _steps(notes: dict[str, Notes]) -> tuple[Step, ...]:
    steps = []
    for rule in RULES:
        status = notes[rule.id].status
        code, detail = notes[rule.id].reason
        zh, en = rule.zh, rule.en
        if code is not None:
            zh, en = CATALOGUE[code]
            if status is Status.NOT_CHECKED:
                zh, en = _NOT_CHECKED_ZH + zh, _NOT_CHECKED_EN + en
        steps.append(Step(rule.id, rule.section, status, zh, en, code, detail))
    return tuple(steps)


def _missing(notes: dict[str, Notes]) -> tuple[Missing, ...]:
    found: dict[tuple[str, str | None], Missing] = {}
    for rule in RULES:
        if rule.id in _OPTIONAL:
            continue
        for code, detail in notes[rule.id].gaps:
            if code != _DEPENDS:
                zh, en = CATALOGUE[code]
                found.setdefault((code, detail), Missing(rule.id, code, zh, en, detail))
    return tuple(found.values())


def _conclude(run: Run, notes: dict[str, Notes]) -> Verdict:
    steps = _steps(notes)
    failed = [step for step in steps if step.status is Status.FAILED]
    still_open = [step for step in steps if step.status is Status.NOT_CHECKED and step.id not in _OPTIONAL]
    record = run.target.record
    when = None if record is None else iso_seconds(record.block_time) or str(record.block_time)
    if failed:
        result = Result.INVALID
        names = ", ".join(step.id for step in failed)
        zh = f"无效：有 {len(failed)} 个步骤核验不通过（{names}）。"
        en = f"INVALID: {len(failed)} of the steps failed ({names})."
    elif still_open:
        result = Result.INCONCLUSIVE
        names = ", ".join(step.id for step in still_open)
        zh = f"无法判定：缺少所需的材料（{names}）。已核验的部分未发现问题。"
        en = f"INCONCLUSIVE: something needed is missing ({names}). Nothing that was checked failed."
    else:
        result = Result.VALID
        zh = f"有效：自 {when} 上链时起未发现篡改。"
        en = f"VALID: no alteration found since it went on chain at {when}."
    findings: tuple[Finding, ...] = tuple(run.findings.values())
    return Verdict(result, zh, en, steps, findings, _missing(notes), collect(run))
