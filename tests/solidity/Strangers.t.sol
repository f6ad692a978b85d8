// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ICaseRegistry} from "../../contracts/interfaces/ICaseRegistry.sol";
import {SignedMessages} from "../../contracts/libraries/SignedMessages.sol";
import {Sm3} from "../../contracts/libraries/Sm3.sol";
import {Cases} from "./support/Cases.sol";

/// An institution that is no participant moves nothing in a case, however well it signs; an account that is nobody's
/// moves what participants signed, and nothing else.
contract StrangersTest is Cases {
    /// Persons of the prison, which is the stranger.
    uint32 private constant GUARD = 0x80000011;
    uint32 private constant WARDEN = 0x80000012;
    bytes32 private _sample = bytes32(uint256(NOTARY_OFFICE) << 224 | 0x5a);

    function setUp() public override {
        super.setUp();
        admit(GUARD, PRISON, 1, SELF);
        admit(WARDEN, PRISON, 1, SELF);
    }

    /// Goes on in a case with a sample of 10 g that the notary office holds.
    function openSample() private {
        caseId = _sample;
        Claim memory c = opening();
        (c.kind, c.previous, c.terms) = (HOLD, sampleTable, holding(10, 3, NOTARY_OFFICE));
        take(c, NOTARY_OFFICE, SEAL);
    }

    /// The next statement of the case, which the stranger makes.
    function strange(uint16 kind, bytes32 terms, uint32 other) private view returns (Claim memory c) {
        c = nextOf(PRISON, kind);
        (c.terms, c.counterparty) = (terms, other);
    }

    function sealedByStranger(Claim memory c) private view returns (bytes memory) {
        return signed(c, PRISON, SEAL);
    }

    /// Refused, and nothing in the case is other than before.
    function keepOut(Claim memory c, bytes memory signatures, bytes memory why) private {
        bytes memory before = abi.encode(registry.wordsOf(c.caseId), registry.caseOf(c.caseId));
        bytes32 target = registry.recordOf(c.terms);
        (bool done, bytes memory got) = address(registry).call(abi.encodeCall(registry.record, (pack(c), signatures)));
        assertFalse(done);
        assertEq(got, why);
        assertEq(abi.encode(registry.wordsOf(c.caseId), registry.caseOf(c.caseId)), before);
        assertEq(registry.recordOf(c.terms), target);
        assertEq(registry.recordOf(Sm3.hash(pack(c))), 0);
    }

    function keepOut(uint16 kind, bytes32 terms, uint32 other) private {
        Claim memory c = strange(kind, terms, other);
        keepOut(c, sealedByStranger(c), reason(ICaseRegistry.NotParticipant.selector, PRISON));
    }

    function keepOut(uint16 kind) private {
        keepOut(kind, 0, 0);
    }

    function reasonOfSigner(uint32 expected, uint32 got) private pure returns (bytes memory) {
        return reason(ICaseRegistry.SignerNotInstitution.selector, expected, got);
    }

    /// The stranger signs for itself as the other side, and makes the notary office's seal as well.
    function bothSides(Claim memory c) private view returns (bytes memory) {
        bytes32 id = registry.contractId();
        bytes32 digest = Sm3.hash(pack(c));
        bytes memory made = sign(privateKey(PRISON), message(1, SEAL, 2, NOTARY_OFFICE, id, digest));
        return
            bytes.concat(
                abi.encodePacked(NOTARY_OFFICE, SEAL, uint8(0), made), wire(1, OTHER_SEAL, 2, PRISON, id, digest)
            );
    }

    // Matters

    function test_a_stranger_records_nothing_in_a_matter() public {
        open();
        bytes32 note = step(NOTE, NOTARY_OFFICE, SEAL);
        keepOut(NOTE);
        keepOut(REPLY);
        keepOut(CLOSE);
        keepOut(PASS);
        keepOut(PAUSE);
        keepOut(PUBLISH, bytes32(uint256(START * 1000 + 1) << 208), 0);
        keepOut(REST, note, 0);
        Claim memory c = strange(ACCEPT, 0, 0);
        keepOut(c, signed(c, GUARD, HANDLES), reason(ICaseRegistry.NotParticipant.selector, PRISON));
        c = strange(TWO, 0, 0);
        keepOut(c, signed(c, GUARD, HANDLES, WARDEN, APPROVES), reason(ICaseRegistry.NotParticipant.selector, PRISON));
    }

    function test_a_stranger_ends_no_pause() public {
        open();
        step(PAUSE, NOTARY_OFFICE, SEAL);
        keepOut(RESUME);
        keepOut(PASS);
        keepOut(CLOSE);
    }

    function test_a_stranger_changes_no_statement() public {
        open();
        bytes32 note = step(NOTE, NOTARY_OFFICE, SEAL);
        for (uint16 kind = CORRECT; kind <= REVOKE_PART; ++kind) {
            // What is not suspended is not lifted.
            if (kind != LIFT) keepOut(kind, note, 0);
        }
        Claim memory c = next(SUSPEND);
        c.terms = note;
        take(c, NOTARY_OFFICE, SEAL);
        keepOut(LIFT, note, 0);
        step(CLOSE, NOTARY_OFFICE, SEAL);
        keepOut(REVOKE, note, 0);
        assertEq(statusOf(note), 3);
    }

    /// Irregular relaxes who signs, not who records.
    function test_a_stranger_records_nothing_irregular() public {
        open();
        bytes32 note = step(NOTE, NOTARY_OFFICE, SEAL);
        uint16[3] memory kinds = [VISIT, DECIDE, REVOKE];
        for (uint256 i; i < kinds.length; ++i) {
            Claim memory c = strange(kinds[i], kinds[i] == REVOKE ? note : bytes32(0), 0);
            c.flags = IRREGULAR;
            keepOut(c, signed(c, PRISON, ANSWERS), reason(ICaseRegistry.NotParticipant.selector, PRISON));
        }
    }

    function test_a_stranger_invites_nobody_and_does_not_let_itself_in() public {
        open();
        keepOut(NOTE, 0, APPRAISERS);
        keepOut(NOTE, 0, NOTARY_OFFICE);
        keepOut(AGREE, 0, NOTARY_OFFICE);
        // As the other side of a statement that it makes in the opener's name.
        Claim memory c = next(NOTE);
        c.counterparty = PRISON;
        keepOut(c, sealedByStranger(c), reason(ICaseRegistry.SignerNotInstitution.selector, NOTARY_OFFICE, PRISON));
    }

    function test_a_stranger_signs_for_no_participant() public {
        open();
        Claim memory c = next(CLOSE);
        keepOut(c, sealedByStranger(c), reasonOfSigner(NOTARY_OFFICE, PRISON));
        c = next(ACCEPT);
        keepOut(
            c, signed(c, GUARD, HANDLES), reason(ICaseRegistry.PractitionerInstitution.selector, NOTARY_OFFICE, PRISON)
        );
        c = next(VISIT);
        c.flags = IRREGULAR;
        keepOut(c, signed(c, PRISON, ANSWERS), reasonOfSigner(NOTARY_OFFICE, PRISON));
    }

    // Samples

    function test_a_stranger_moves_no_sample() public {
        openSample();
        keepOut(TRANSFER, holding(10, 3, APPRAISERS), APPRAISERS);
        keepOut(SPLIT, holding(4, 3, PRISON), 0);
        keepOut(SPLIT_OTHER, holding(4, 3, APPRAISERS), APPRAISERS);
        keepOut(FREEZE);
        keepOut(DISPOSE);
        keepOut(DISPOSE_BY);
        keepOut(HALT);
        keepOut(REMARK);
        Claim memory c = strange(CONSUME, holding(4, 3, NOTARY_OFFICE), 0);
        keepOut(c, signed(c, GUARD, HANDLES, WARDEN, APPROVES), reason(ICaseRegistry.NotParticipant.selector, PRISON));
        c.flags = IRREGULAR;
        keepOut(c, signed(c, PRISON, ANSWERS), reason(ICaseRegistry.NotParticipant.selector, PRISON));
    }

    function test_a_stranger_takes_no_sample_to_itself() public {
        openSample();
        Claim memory c = next(TRANSFER);
        (c.counterparty, c.terms) = (PRISON, holding(10, 3, PRISON));
        keepOut(c, bothSides(c), reason(SignedMessages.SignatureInvalid.selector, NOTARY_OFFICE, 0));
        keepOut(c, signed(c, PRISON, OTHER_SEAL), reason(SignedMessages.SignatureCount.selector, 2, 1));
    }

    function test_a_stranger_thaws_and_resumes_nothing() public {
        openSample();
        step(FREEZE, NOTARY_OFFICE, SEAL);
        keepOut(THAW);
        keepOut(DISPOSE);
        step(HALT, NOTARY_OFFICE, SEAL);
        keepOut(GO_ON);
    }

    function test_a_stranger_takes_no_part_that_was_split_off_for_another() public {
        openSample();
        Claim memory c = next(SPLIT);
        c.terms = holding(4, 3, NOTARY_OFFICE);
        bytes32 part = take(c, NOTARY_OFFICE, SEAL);
        c = opening();
        (c.kind, c.previous, c.terms) = (CHILD, sampleTable, part);
        (c.institution, c.caseId) = (PRISON, bytes32(uint256(PRISON) << 224 | 1));
        keepOut(c, sealedByStranger(c), reason(ICaseRegistry.HolderUnexpected.selector, NOTARY_OFFICE, PRISON));
        (uint64 quantity,,, bool used) = registry.splitOf(part);
        assertEq(abi.encode(quantity, used), abi.encode(4, false));
    }

    // From its own case, and from outside

    function test_a_strangers_own_case_changes_nothing_in_another() public {
        open();
        bytes32 note = step(NOTE, NOTARY_OFFICE, SEAL);
        caseId = bytes32(uint256(CROWD) << 224 | 1);
        Claim memory c = opening();
        c.institution = CROWD;
        take(c, CROWD, SEAL);
        for (uint16 kind = CORRECT; kind <= REVOKE_PART; ++kind) {
            c = nextOf(CROWD, kind);
            c.terms = note;
            keepOut(c, signed(c, CROWD, SEAL), reasonOf(ICaseRegistry.TargetUnknown.selector, note));
        }
        assertEq(statusOf(note), 1);
    }

    function test_a_stranger_continues_no_case() public {
        open();
        bytes32 head = registry.headOf(caseId);
        ICaseRegistry old = succeed();
        bytes memory before = abi.encode(old.wordsOf(caseId));
        Claim memory c = opening();
        (c.institution, c.kind, c.terms) = (PRISON, CONTINUE, head);
        keepOut(c, sealedByStranger(c), reason(ICaseRegistry.NotParticipant.selector, PRISON));
        c.institution = NOTARY_OFFICE;
        keepOut(c, sealedByStranger(c), reasonOfSigner(NOTARY_OFFICE, PRISON));
        assertEq(abi.encode(old.wordsOf(caseId)), before);
    }

    function test_an_account_that_is_nobodys_sends_what_participants_signed() public {
        open();
        Claim memory c = next(NOTE);
        bytes memory signatures = signed(c, NOTARY_OFFICE, SEAL);
        vm.prank(address(0xa10e));
        registry.record(pack(c), signatures);
        assertEq(registry.headOf(caseId), Sm3.hash(pack(c)));
        assertEq(registry.caseOf(caseId).guestCount, 0);
    }
}
