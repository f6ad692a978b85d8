"""Why the contracts refuse: one number and one error code for each custom error of the contracts.

Guaranteed: numbers are stable, since signed refusals carry them (SPEC §7.3, §8.4); a new reason goes to the end.
Not guaranteed: that a revert has a reason here. Others come from the chain itself (gas, arithmetic, no such function).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

__all__ = ["REASONS", "REASONS_BY_NUMBER", "Reason", "reason_of"]


@dataclass(frozen=True, slots=True)
class Reason:
    """`number` (u16, from 1), catalogue `code`, `signature` of the Solidity error and its 4-byte `selector`."""

    number: int
    code: str
    signature: str
    selector: bytes

    @property
    def error(self) -> str:
        """Name of the custom error."""
        return self.signature.partition("(")[0]


_ALL: Final = (
    # the statement by itself
    Reason(1, "statement.length", "StatementLength(uint256,uint256)", bytes.fromhex("2995af53")),
    Reason(2, "statement.version", "StatementVersion(uint8,uint8)", bytes.fromhex("631c8afb")),
    Reason(3, "statement.flags", "StatementFlags(uint16)", bytes.fromhex("e734e7b6")),
    Reason(4, "statement.lane", "StatementLane(uint16)", bytes.fromhex("3c40ec83")),
    Reason(5, "procedure.late", "LateNotAllowed(uint16)", bytes.fromhex("64f086c5")),
    Reason(6, "statement.domain", "KindDomain(uint8,uint8)", bytes.fromhex("d639094e")),
    Reason(7, "statement.institution", "StatementInstitution(uint32)", bytes.fromhex("dea161c2")),
    Reason(8, "statement.counterparty", "StatementCounterparty(uint32)", bytes.fromhex("49c659b1")),
    Reason(9, "statement.future", "OccurredInFuture(uint256,uint256)", bytes.fromhex("6826f1e9")),
    Reason(10, "statement.subject", "SubjectNotZero(bytes32)", bytes.fromhex("58525636")),
    Reason(11, "statement.content", "ContentMissing()", bytes.fromhex("e06c937d")),
    Reason(12, "statement.terms", "TermsNotZero(bytes32)", bytes.fromhex("7c64d704")),
    # its place in the case
    Reason(13, "statement.recorded", "AlreadyRecorded(bytes32)", bytes.fromhex("05a64c20")),
    Reason(14, "statement.case", "CasePrefix(uint32,uint32)", bytes.fromhex("cf1ffd29")),
    Reason(15, "case.exists", "CaseExists(bytes32)", bytes.fromhex("846e1e59")),
    Reason(16, "case.not_found", "CaseUnknown(bytes32)", bytes.fromhex("e22eda3d")),
    Reason(17, "case.closed", "CaseClosed(bytes32)", bytes.fromhex("5dd5aa2f")),
    Reason(18, "statement.sequence", "CaseSequence(uint256,uint256)", bytes.fromhex("1abfebca")),
    Reason(19, "statement.previous", "CasePrevious(bytes32,bytes32)", bytes.fromhex("0cbdf170")),
    Reason(20, "procedure.unknown", "TableUnknown(bytes32)", bytes.fromhex("03435189")),
    Reason(21, "statement.kind", "KindUnknown(bytes32,uint16)", bytes.fromhex("1dc67e41")),
    Reason(22, "procedure.lane", "KindLane(uint16)", bytes.fromhex("5d2067c7")),
    Reason(23, "procedure.opening", "KindOpening(uint16,uint32)", bytes.fromhex("05fcb6aa")),
    Reason(24, "procedure.order", "CaseState(uint32,uint8)", bytes.fromhex("eeb46c5b")),
    Reason(25, "procedure.kinds_missing", "KindsMissing(uint32)", bytes.fromhex("93157ea4")),
    Reason(26, "procedure.kinds_forbidden", "KindsForbidden(uint32)", bytes.fromhex("e8bb8968")),
    Reason(27, "case.not_participant", "NotParticipant(uint32)", bytes.fromhex("452f7d25")),
    Reason(28, "procedure.recorder", "RecorderNotEntitled(uint32,uint8)", bytes.fromhex("a1d95718")),
    Reason(29, "procedure.counterparty", "CounterpartyNotAllowed(uint16,uint32)", bytes.fromhex("d9ea2fd7")),
    Reason(30, "procedure.counterparty_missing", "CounterpartyMissing(uint16)", bytes.fromhex("53587150")),
    Reason(31, "case.counterparty_unknown", "CounterpartyUnknown(uint32)", bytes.fromhex("34d7045f")),
    Reason(32, "case.participants_full", "ParticipantsFull(uint32)", bytes.fromhex("ea2a32e9")),
    # its signers
    Reason(33, "signature.length", "SignatureLength(uint256,uint256)", bytes.fromhex("bd1e5002")),
    Reason(34, "signature.count", "SignatureCount(uint256,uint256)", bytes.fromhex("27cd5f12")),
    Reason(35, "signature.order", "SignatureOrder(uint32,uint32)", bytes.fromhex("c7cb4c2b")),
    Reason(36, "signature.role", "SignatureRole(uint32,uint8)", bytes.fromhex("9d9d5dbd")),
    Reason(37, "signature.signer", "SignerUnexpected(uint32,uint32)", bytes.fromhex("2a5afda2")),
    Reason(38, "signature.not_institution", "SignerNotInstitution(uint32,uint32)", bytes.fromhex("ce9d73ff")),
    Reason(39, "signature.not_practitioner", "SignerNotPractitioner(uint32)", bytes.fromhex("11592f86")),
    Reason(40, "key.unknown", "KeyUnknown(uint32,uint8)", bytes.fromhex("a6de9200")),
    Reason(41, "key.not_valid_then", "KeyNotValid(uint32,uint8,uint48)", bytes.fromhex("c2bf0c7a")),
    Reason(42, "signature.affiliation", "PractitionerInstitution(uint32,uint32)", bytes.fromhex("3701f3ec")),
    Reason(43, "signature.institution_role", "InstitutionRole(uint8,uint8)", bytes.fromhex("c5e04617")),
    Reason(44, "signature.practitioner_function", "PractitionerFunction(uint8,uint8)", bytes.fromhex("6caea3ab")),
    Reason(45, "procedure.distinct", "HandlerNotDistinct(uint8,uint32)", bytes.fromhex("9ba43166")),
    Reason(46, "key.hosted_alone", "HostedKeysAlone(uint256)", bytes.fromhex("13b2059a")),
    Reason(47, "signature.invalid", "SignatureInvalid(uint32,uint8)", bytes.fromhex("e6a2061a")),
    # batches
    Reason(48, "batch.length", "HeaderLength(uint256,uint256)", bytes.fromhex("68f52f2a")),
    Reason(49, "batch.count", "BatchCount(uint256,uint256)", bytes.fromhex("a08c8784")),
    Reason(50, "batch.root", "BatchRootMissing()", bytes.fromhex("42e17336")),
    Reason(51, "batch.contiguous", "BatchNumber(uint64,uint64)", bytes.fromhex("ba2e0a4e")),
    Reason(52, "batch.first", "BatchFirst(uint64,uint64)", bytes.fromhex("2fc3729d")),
    Reason(53, "batch.previous", "BatchPrevious(bytes32,bytes32)", bytes.fromhex("0a3f7a81")),
    Reason(54, "batch.operator", "OperatorRole(uint8,uint8)", bytes.fromhex("ccaa6102")),
    # institutions and practitioners
    Reason(55, "founding.count", "FounderCount(uint256,uint256)", bytes.fromhex("c565ca5c")),
    Reason(56, "founding.threshold", "ThresholdRange(uint256,uint256)", bytes.fromhex("5ff615b8")),
    Reason(57, "founding.order", "FounderOrder(uint32,uint32)", bytes.fromhex("20b119f2")),
    Reason(58, "member.institution_number", "InstitutionNumber(uint32)", bytes.fromhex("316feb9a")),
    Reason(59, "member.practitioner_number", "PractitionerNumber(uint32)", bytes.fromhex("2d3f7003")),
    Reason(60, "member.role", "RoleUnknown(uint8)", bytes.fromhex("0dd5a526")),
    Reason(61, "member.function", "FunctionUnknown(uint8)", bytes.fromhex("606e9dde")),
    Reason(62, "member.custody", "CustodyUnknown(uint8)", bytes.fromhex("b9c1c90a")),
    Reason(63, "member.identity_root", "IdentityRootMissing(uint32)", bytes.fromhex("c465e7f4")),
    Reason(64, "key.refused", "KeyInvalid(uint256,uint256)", bytes.fromhex("21c26f8e")),
    Reason(65, "key.in_use", "KeyInUse(bytes32)", bytes.fromhex("6e43cf63")),
    Reason(66, "key.index", "KeyIndexUnexpected(uint8,uint8)", bytes.fromhex("e17d83a3")),
    Reason(67, "member.exists", "MemberExists(uint32)", bytes.fromhex("3c5aaf20")),
    Reason(68, "member.unknown", "MemberUnknown(uint32)", bytes.fromhex("0cde7fd7")),
    # 69 is retired: 128 says it.
    Reason(70, "member.admitting_institution", "AdmittingInstitution(uint32,uint32,uint32)", bytes.fromhex("fffef740")),
    Reason(71, "member.regulator", "RegulatorMissing(uint32,uint8)", bytes.fromhex("c12fed54")),
    # procedure tables
    Reason(72, "table.domain_range", "DomainRange(uint8)", bytes.fromhex("67f5d9eb")),
    Reason(73, "table.length", "TableLength(uint256,uint256)", bytes.fromhex("85e3f128")),
    Reason(74, "table.version", "TableVersion(uint8,uint8)", bytes.fromhex("88f19995")),
    Reason(75, "table.domain", "TableDomain(uint8,uint8)", bytes.fromhex("8c8834c0")),
    Reason(76, "table.case_type", "TableCaseType(uint8)", bytes.fromhex("5eb9581e")),
    Reason(77, "table.kind_count", "TableKindCount(uint256,uint256)", bytes.fromhex("3d947cce")),
    Reason(78, "table.repeated", "TableRepeated(bytes32)", bytes.fromhex("99198868")),
    Reason(79, "table.step_order", "TableStepOrder(uint8,uint8)", bytes.fromhex("d3db10f8")),
    Reason(80, "table.flags", "TableFlags(uint8,uint16)", bytes.fromhex("5647d10b")),
    Reason(81, "table.states", "TableStates(uint8,uint32,uint8)", bytes.fromhex("4d3f82e1")),
    Reason(82, "table.masks", "TableMasks(uint8,uint32,uint32)", bytes.fromhex("8a348d49")),
    Reason(83, "table.who", "TableWho(uint8,uint8)", bytes.fromhex("a852f41e")),
    Reason(84, "table.effect", "TableEffect(uint8,uint8)", bytes.fromhex("1c6d56bc")),
    Reason(85, "table.slot_count", "TableSlotCount(uint8,uint8)", bytes.fromhex("13ca84a9")),
    Reason(86, "table.slot", "TableSlot(uint8,uint256,uint24)", bytes.fromhex("b9218627")),
    Reason(87, "table.sides", "TableSides(uint8)", bytes.fromhex("fdf41941")),
    Reason(88, "table.handlers", "TableHandlers(uint8,uint8)", bytes.fromhex("b562f20f")),
    # added since
    Reason(89, "founding.verifier", "VerifierWithoutCode(address)", bytes.fromhex("5e324f0e")),
    Reason(90, "procedure.irregular", "IrregularNotAllowed(uint16)", bytes.fromhex("29db80f3")),
    Reason(91, "contract.closed", "ContractClosed(address)", bytes.fromhex("f48343a6")),
    Reason(92, "procedure.not_in_force", "TableNotInForce(bytes32,uint48,uint48)", bytes.fromhex("9c2c2be6")),
    Reason(93, "case.paused", "CasePaused(uint16)", bytes.fromhex("a7d7a399")),
    Reason(94, "case.not_paused", "CaseNotPaused(uint16)", bytes.fromhex("407c9aaf")),
    Reason(95, "case.frozen", "CaseFrozen(bytes32)", bytes.fromhex("dda53317")),
    Reason(96, "procedure.late_order", "LateOrder(uint48,uint48)", bytes.fromhex("8b6606e7")),
    Reason(97, "procedure.end", "EndNotReached(uint48,uint48)", bytes.fromhex("cd76e41a")),
    Reason(98, "case.invitation", "InvitationNotAllowed(uint32,uint32)", bytes.fromhex("1f9662ce")),
    Reason(99, "statement.terms_layout", "TermsLayout(uint16,bytes32)", bytes.fromhex("ff643d30")),
    Reason(100, "target.unknown", "TargetUnknown(bytes32)", bytes.fromhex("22f4a48e")),
    Reason(101, "target.kind", "TargetKind(uint32,uint8)", bytes.fromhex("bad6aa0c")),
    Reason(102, "target.status", "TargetStatus(bytes32,uint8)", bytes.fromhex("31cb075e")),
    Reason(103, "basis.unknown", "BasisUnknown(bytes32)", bytes.fromhex("af2f68e4")),
    Reason(104, "sample.holder", "HolderUnexpected(uint32,uint32)", bytes.fromhex("ea0e3664")),
    Reason(105, "sample.quantity", "QuantityUnexpected(uint64,uint64)", bytes.fromhex("8c6fe2d9")),
    Reason(106, "sample.exceeded", "QuantityExceeded(uint64,uint64)", bytes.fromhex("571ab17e")),
    Reason(107, "sample.unit", "UnitUnexpected(uint16,uint16)", bytes.fromhex("065bfc97")),
    Reason(108, "sample.split_unknown", "SplitUnknown(bytes32)", bytes.fromhex("58b9f3f0")),
    Reason(109, "sample.split_used", "SplitUsed(bytes32)", bytes.fromhex("ef070e07")),
    Reason(110, "signature.irregular_seal", "IrregularSealMissing(uint32)", bytes.fromhex("e9bc49bb")),
    Reason(111, "member.not_active", "MemberNotActive(uint32)", bytes.fromhex("1befb432")),
    Reason(112, "continue.predecessor", "PredecessorMissing()", bytes.fromhex("e086bbed")),
    Reason(113, "continue.open", "PredecessorOpen(address)", bytes.fromhex("025f48d1")),
    Reason(114, "continue.head", "ContinueHead(bytes32,bytes32)", bytes.fromhex("3acef298")),
    Reason(115, "table.targets", "TableTargets(uint8,uint32)", bytes.fromhex("6810f018")),
    Reason(116, "table.dates", "TableDates(uint48,uint48)", bytes.fromhex("a74e03a9")),
    Reason(117, "continue.mismatch", "PredecessorMismatch(address)", bytes.fromhex("415e6591")),
    Reason(118, "decision.number", "DecisionNumber(uint64,uint64)", bytes.fromhex("39f3e8fb")),
    Reason(119, "decision.expired", "DecisionExpired(uint48,uint256)", bytes.fromhex("478d55f4")),
    Reason(120, "decision.too_long", "DecisionTooLong(uint256,uint48)", bytes.fromhex("87130609")),
    Reason(121, "decision.signatures", "DecisionSignatures(uint256,uint256)", bytes.fromhex("a4325b21")),
    Reason(122, "decision.voter", "VoterUnknown(uint32)", bytes.fromhex("eee80f6f")),
    Reason(123, "decision.action", "ActionUnknown(uint8)", bytes.fromhex("26a5f06c")),
    Reason(124, "decision.length", "ActionLength(uint256,uint256)", bytes.fromhex("2e6b0e83")),
    Reason(125, "decision.voters", "VotersTooFew(uint256,uint256)", bytes.fromhex("9a4a4e2c")),
    Reason(126, "member.keys_open", "KeysOpen(uint32)", bytes.fromhex("a9e39464")),
    Reason(127, "member.period", "PeriodNotSuspended(uint32,uint8)", bytes.fromhex("12f9bce9")),
    Reason(128, "member.status", "MemberStatus(uint32,uint8)", bytes.fromhex("04588032")),
    Reason(129, "member.recovery", "RecoveryKeyMissing(uint32)", bytes.fromhex("99c1ef59")),
    Reason(130, "member.voter_flag", "VoterFlag(uint8)", bytes.fromhex("1b45b347")),
    Reason(131, "founding.keys", "KeysWithoutCode(address)", bytes.fromhex("5b1eba80")),
    Reason(132, "key.table_present", "KeyTablePresent(uint32,uint8)", bytes.fromhex("60b143d8")),
    Reason(133, "key.since", "CompromisedSince(uint256,uint48)", bytes.fromhex("4a410993")),
    Reason(134, "continue.successor", "SuccessorMismatch(address)", bytes.fromhex("33dfbcf2")),
)

REASONS: Final[Mapping[str, Reason]] = MappingProxyType({reason.error: reason for reason in _ALL})
"""Reasons by the name of the Solidity error."""

REASONS_BY_NUMBER: Final[Mapping[int, Reason]] = MappingProxyType({reason.number: reason for reason in _ALL})

_BY_SELECTOR: Final[Mapping[bytes, Reason]] = MappingProxyType({reason.selector: reason for reason in _ALL})


def reason_of(revert_data: bytes) -> Reason | None:
    """The reason that a revert's data (selector, then ABI-encoded arguments) begins with; None for any other revert."""
    return _BY_SELECTOR.get(revert_data[:4])
