"""What a court wants to read beside the verdict: acts, times, persons, keys, witnesses, contracts, files.

Guaranteed: everything here was established by a step, or is marked as claimed (`occurred`); what technology cannot
answer is listed under `unanswered`. Not guaranteed: the truth of any disclosed value.
"""

from datetime import UTC, datetime
from typing import Any, Final

from tiezheng.procedures.roles import CUSTODY_LABELS, FUNCTION_LABELS, INSTITUTION_ROLE_LABELS, LABELS
from tiezheng.statement import is_practitioner
from tiezheng.storage_words import OPEN_END
from tiezheng.verify.run import Act, Run

Facts = dict[str, Any]
# The last second that a calendar date can show; later numbers are shown as numbers alone.
_LAST_SECOND: Final = 253_402_300_799
UNANSWERED: Final = (
    (
        "trail_before_chain",
        "上链之前的形成、收集与保管过程，本核验不能证明，须另行举证。",
        "How the evidence arose and was kept before it went on chain is not shown here and needs other proof.",
    ),
    (
        "truth_of_content",
        "核验只说明上链后未发现改动，不说明内容本身真实。",
        "Verification shows that no alteration was found; it does not show that the content is true.",
    ),
    (
        "original_at_hand",
        "原件或原始载体是否在手，须当面核对；仅当提供的文件与摘要相同，才能说明该文件与存证一致。",
        "Whether the original is at hand must be seen in person; a file is the deposited one only where it matches.",
    ),
    (
        "person_at_key",
        "签名说明密钥曾被使用；实际由何人操作，须结合密钥保管方式判断。",
        "A signature shows that a key was used; who used it must be judged from how the key was kept.",
    ),
)


def iso_seconds(seconds: int) -> str | None:
    """RFC 3339 UTC, None beyond the calendar."""
    if not 0 <= seconds <= _LAST_SECOND:
        return None
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def iso_milliseconds(milliseconds: int) -> str | None:
    """As `iso_seconds`, with three digits of fractions."""
    text = iso_seconds(milliseconds // 1000)
    return None if text is None else f"{text[:-1]}.{milliseconds % 1000:03d}Z"


def collect(run: Run) -> Facts:
    """The facts of one verification, as plain JSON."""
    trust = run.trust
    return {
        "as_of": _as_of(run),
        "at": {"iso": iso_milliseconds(run.at_ms), "ms": run.at_ms},
        "contracts": [contract.to_json() for contract in _contracts(run)],
        "cryptography": {
            "en": "Evidence and signatures: SM3, SM2. The chain's own proofs: keccak-256.",
            "zh": "存证与签名采用 SM3、SM2；链自身的证明采用 keccak-256。",
        },
        "files": run.file_rows,
        "lane": "batch" if run.in_batch else "registry",
        "ledger": {
            **trust.ledger.to_json(),
            "finality": {"strategy": trust.finality.strategy, "threshold": trust.finality.threshold},
            "name": trust.name.to_json(),
            "trust_issue": trust.issue,
        },
        "signers": [_signer(run, key) for key in run.signers],
        "statements": [_statement(act) for act in run.acts],
        "target": run.bundle.target.hex(),
        "unanswered": [{"code": code, "en": en, "zh": zh} for code, zh, en in UNANSWERED],
        "witnesses": _witnesses(run),
    }


def _as_of(run: Run) -> Facts | None:
    if run.state is None or run.state.header is None:
        return None
    header = run.state.header
    return {
        "block_hash": header.hash.hex(),
        "block_number": header.number,
        "block_time": header.timestamp,
        "iso": iso_seconds(header.timestamp),
    }


def _contracts(run: Run) -> list[Any]:
    if run.state is None:
        return []
    shown = []
    for address in run.state.addresses():
        contract = run.trust.contract(address)
        if contract is not None and address not in run.state.account_errors:
            shown.append(contract)
    return shown


def _statement(act: Act) -> Facts:
    statement, record = act.statement, act.record
    kind, procedure = act.kind, act.procedure
    block: Facts | None = None
    if record is not None:
        block = {
            "gap_ms": record.block_time * 1000 - statement.occurred,
            "iso": iso_seconds(record.block_time),
            "number": record.block_number,
            "status": record.status.name.lower(),
            "marks": sorted(bit.name.lower() for bit in record.bits if bit.name),
            "time": record.block_time,
        }
    return {
        "anchored": block,
        "attachments": [_attachment(value.name, value.value) for value in act.values if value.attachment is not None],
        "case": statement.case.hex(),
        "content": "withheld" if act.item.content is None else ("disclosed" if act.values else "not proven"),
        "counterparty": statement.counterparty or None,
        "digest": statement.digest.hex(),
        "fields": [_field(value) for value in act.values if value.attachment is None],
        "flags": int(statement.flags),
        "institution": statement.institution,
        "kind": {
            "code": None if kind is None else kind.path,
            "en": None if kind is None else kind.en,
            "number": statement.kind,
            "zh": None if kind is None else kind.zh,
        },
        "occurred": {"iso": iso_milliseconds(statement.occurred), "ms": statement.occurred},
        "procedure": None if procedure is None else {"en": procedure.en, "zh": procedure.zh},
        "sequence": statement.sequence,
        "signatures": [
            {"key_index": one.key_index, "role": {**_label(LABELS, one.role)}, "signer": one.signer}
            for one in act.item.signed.signatures
        ],
        "subject": statement.subject.hex() if any(statement.subject) else None,
    }


def _attachment(name: str, value: Any) -> Facts:
    return {"name": name, **value}


def _field(value: Any) -> Facts:
    spec = value.spec
    return {
        "class": None if spec is None else spec.field_class.value,
        "en": None if spec is None else spec.en,
        "name": value.name,
        "record": value.record,
        "value": value.value,
        "zh": None if spec is None else spec.zh,
    }


def _label(labels: Any, number: int) -> Facts:
    zh, en = labels.get(number, (None, None))
    return {"en": en, "number": number, "zh": zh}


def _signer(run: Run, key: tuple[int, int]) -> Facts:
    number, index = key
    record, card = run.keys.get(key), run.cards.get(key)
    labels: Any = FUNCTION_LABELS if is_practitioner(number) else INSTITUTION_ROLE_LABELS
    facts: Facts = {
        "card": None if card is None else {"code": card.code, "name": card.name},
        "key_index": index,
        "number": number,
        "person": is_practitioner(number),
        "public_key": run.signers[key].public.to_bytes().hex(),
        "record": None,
    }
    if record is not None:
        closed = record.valid_until != OPEN_END
        facts["record"] = {
            "compromised_since": record.compromised or None,
            "custody": _label(CUSTODY_LABELS, record.custody),
            "institution": record.institution,
            "role": _label(labels, record.role),
            "valid_from": record.valid_from,
            "valid_from_iso": iso_seconds(record.valid_from),
            "valid_until": record.valid_until if closed else None,
            "valid_until_iso": iso_seconds(record.valid_until) if closed else None,
        }
    return facts


def _witnesses(run: Run) -> list[Facts]:
    rows = []
    for cosignature in run.bundle.witnesses:
        number = cosignature.signature.signer
        witness = run.trust.finality.witness(number)
        rows.append(
            {
                "name": None if witness is None else witness.name.to_json(),
                "number": number,
                "seen": cosignature.seen,
                "seen_iso": iso_milliseconds(cosignature.seen),
                "valid": number in run.valid_witnesses,
            }
        )
    return rows
