// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ICaseRegistry} from "../../contracts/interfaces/ICaseRegistry.sol";
import {SignedMessages} from "../../contracts/libraries/SignedMessages.sol";
import {Cases} from "./support/Cases.sol";

/// Late, irregular, pauses, ends and what comes after closing (SPEC §8.2 rules 7 to 12).
contract CaseFlagsTest is Cases {
    uint8 private constant IN_FORCE = 1;
    uint8 private constant LATE_BY_TIME = 0x08;
    uint8 private constant FLAG_LATE = 0x10;
    uint8 private constant FLAG_IRREGULAR = 0x20;
    uint8 private constant IRREGULAR_BEFORE = 0x40;

    function flagged(uint16 kind, uint16 flags) internal view returns (Claim memory c) {
        c = next(kind);
        c.flags = flags;
    }

    // Late

    function test_flags_are_taken_where_the_kind_allows_them() public {
        Claim memory c = opening();
        c.flags = LATE;
        refuse(c, reason(ICaseRegistry.LateNotAllowed.selector, OPEN));
        open();
        refuse(flagged(NOTE, LATE), reason(ICaseRegistry.LateNotAllowed.selector, NOTE));
        refuse(flagged(NOTE, IRREGULAR), reason(ICaseRegistry.IrregularNotAllowed.selector, NOTE));
        refuse(flagged(DECIDE, LATE | IRREGULAR), reason(ICaseRegistry.LateNotAllowed.selector, DECIDE));
    }

    function test_a_late_step_fills_in_and_moves_nothing() public {
        open();
        step(ACCEPT, NOTARY, HANDLES);
        step(APPROVE, APPROVER, APPROVES);
        vm.warp(START + 60);
        uint48 main = registry.caseOf(caseId).lastMain;
        // The state is 3, and approval, which a visit forbids, was seen.
        refuse(next(VISIT), reason(ICaseRegistry.CaseState.selector, 4, 3));
        Claim memory c = flagged(VISIT, LATE);
        refuse(c, reason(ICaseRegistry.LateOrder.selector, main, c.occurred));
        c.occurred = main;
        bytes32 digest = take(c, signed(c, NOTARY_OFFICE, SEAL, APPROVER, HANDLES));
        ICaseRegistry.Case memory state = registry.caseOf(caseId);
        assertEq(state.state, 3);
        assertEq(state.lastMain, main);
        assertEq(state.kindsSeen, 0x1007);
        assertEq(state.sequence, 3);
        assertEq(state.handlers[0], NOTARY); // only an empty place is filled
        assertEq(statusOf(digest), IN_FORCE | FLAG_LATE);
    }

    function test_a_late_step_fills_an_empty_place_and_passes_a_pause() public {
        open();
        step(PAUSE, NOTARY_OFFICE, SEAL);
        Claim memory c = flagged(VISIT, LATE);
        take(c, signed(c, NOTARY_OFFICE, SEAL, APPROVER, HANDLES));
        ICaseRegistry.Case memory state = registry.caseOf(caseId);
        assertEq(state.handlers[0], APPROVER);
        assertEq(state.flags, 2);
        assertEq(state.state, 1);
        refuse(next(VISIT), reason(ICaseRegistry.CasePaused.selector, VISIT));
    }

    function test_a_late_step_still_signs_in_full() public {
        open();
        Claim memory c = flagged(VISIT, LATE);
        refuse(c, signed(c, NOTARY_OFFICE, SEAL), reason(SignedMessages.SignatureCount.selector, 2, 1));
    }

    function test_late_by_time_is_seen_by_the_contract() public {
        open();
        step(ACCEPT, NOTARY, HANDLES);
        Claim memory c = next(VISIT);
        vm.warp(START + 24 hours);
        uint256 before = vm.snapshotState();
        assertEq(statusOf(take(c, signed(c, NOTARY_OFFICE, SEAL, NOTARY, HANDLES))), IN_FORCE);
        vm.revertToState(before);
        vm.warp(START + 24 hours + 1);
        assertEq(statusOf(take(c, signed(c, NOTARY_OFFICE, SEAL, NOTARY, HANDLES))), IN_FORCE | LATE_BY_TIME);
        c = next(NOTE); // no limit
        c.occurred = 0;
        assertEq(statusOf(take(c, NOTARY_OFFICE, SEAL)), IN_FORCE);
    }

    // Irregular

    function test_an_irregular_act_is_taken_out_of_order() public {
        open();
        Claim memory c = flagged(DECIDE, IRREGULAR);
        // Out of state, nothing published, no plan kept; the institution answers for it.
        bytes32 digest = take(c, NOTARY_OFFICE, ANSWERS);
        ICaseRegistry.Case memory state = registry.caseOf(caseId);
        assertEq(state.state, 2);
        assertEq(state.flags, 8);
        assertEq(state.kindsSeen, 0x20001);
        assertEq(statusOf(digest), IN_FORCE | FLAG_IRREGULAR);
        // From now on every record says so.
        assertEq(statusOf(step(NOTE, NOTARY_OFFICE, SEAL)), IN_FORCE | IRREGULAR_BEFORE);
        c = flagged(DECIDE, IRREGULAR);
        digest = take(c, NOTARY_OFFICE, ANSWERS);
        assertEq(statusOf(digest), IN_FORCE | FLAG_IRREGULAR | IRREGULAR_BEFORE);
    }

    function test_an_irregular_act_ignores_conditions_persons_end_and_pause() public {
        open();
        step(ACCEPT, NOTARY, HANDLES);
        step(APPROVE, APPROVER, APPROVES);
        step(ISSUE, NOTARY_OFFICE, SEAL, NOTARY, HANDLES);
        Claim memory c = next(PUBLISH);
        c.terms = bytes32(abi.encodePacked(uint48((START + 99) * 1000), bytes26(0)));
        take(c, NOTARY_OFFICE, SEAL);
        step(PAUSE, NOTARY_OFFICE, SEAL);
        c = flagged(DECIDE, IRREGULAR);
        // NOTARY is handler 1, from whom this signer should be distinct; both stand before the institution.
        uint32[] memory signers = new uint32[](3);
        uint8[] memory roles = new uint8[](3);
        (signers[0], signers[1], signers[2]) = (NOTARY_OFFICE, NOTARY, APPROVER);
        (roles[0], roles[1], roles[2]) = (ANSWERS, HANDLES, APPROVES);
        take(c, signStatement(c, signers, roles));
        ICaseRegistry.Case memory state = registry.caseOf(caseId);
        assertEq(state.handlers[4], NOTARY);
        assertEq(state.handlers[5], APPROVER);
        assertEq(state.flags, 10);
    }

    function test_somebody_answers_for_an_irregular_act() public {
        open();
        Claim memory c = flagged(DECIDE, IRREGULAR);
        refuse(
            c,
            signed(c, NOTARY, HANDLES, APPROVER, APPROVES),
            reason(ICaseRegistry.IrregularSealMissing.selector, NOTARY_OFFICE)
        );
        refuse(c, "", reason(SignedMessages.SignatureCount.selector, 3, 0));
        bytes memory many = new bytes(280);
        refuse(c, many, reason(SignedMessages.SignatureCount.selector, 3, 4));
        refuse(
            c,
            signed(c, APPRAISERS, ANSWERS),
            reason(ICaseRegistry.SignerNotInstitution.selector, NOTARY_OFFICE, APPRAISERS)
        );
        refuse(
            c, signed(c, NOTARY, ANSWERS), reason(ICaseRegistry.SignerNotInstitution.selector, NOTARY_OFFICE, NOTARY)
        );
        refuse(
            c,
            signed(c, NOTARY_OFFICE, ANSWERS, NOTARY, ANSWERS),
            reason(SignedMessages.SignatureRole.selector, NOTARY, ANSWERS)
        );
        refuse(
            c,
            signed(c, NOTARY_OFFICE, ANSWERS, NOTARY, 0x43),
            reason(SignedMessages.SignatureRole.selector, NOTARY, 0x43)
        );
        // Nobody answers for what is in order.
        c = next(NOTE);
        refuse(c, signed(c, NOTARY_OFFICE, ANSWERS), reason(SignedMessages.SignatureRole.selector, NOTARY_OFFICE, 0xff));
        c = flagged(DECIDE, IRREGULAR);
        take(c, signed(c, NOTARY_OFFICE, ANSWERS, APPROVER, HANDLES));
    }

    function test_the_institution_that_answers_is_of_the_role_that_the_kind_asks_for() public {
        Claim memory c = opening();
        (c.institution, c.caseId, c.flags) = (PRISON, bytes32(uint256(PRISON) << 224), IRREGULAR);
        refuse(c, signed(c, PRISON, ANSWERS), reason(ICaseRegistry.InstitutionRole.selector, 1, 3));
        c = opening();
        c.flags = IRREGULAR;
        assertEq(statusOf(take(c, NOTARY_OFFICE, ANSWERS)), IN_FORCE | FLAG_IRREGULAR);
        assertEq(registry.caseOf(caseId).flags, 8);
    }

    function test_an_irregular_act_keeps_keys_and_custody() public {
        open();
        Claim memory c = flagged(DECIDE, IRREGULAR);
        // One hosted person of two, beside the institution's own key.
        refuse(
            c, signed(c, NOTARY_OFFICE, ANSWERS, HOSTED_ONE, HANDLES), reason(ICaseRegistry.HostedKeysAlone.selector, 1)
        );
        refuse(
            c,
            signed(c, NOTARY_OFFICE, ANSWERS, OFFICER, HANDLES),
            reason(ICaseRegistry.PractitionerFunction.selector, 1, 3)
        );
        c = flagged(VISIT, IRREGULAR); // one person alone may be hosted
        take(c, signed(c, NOTARY_OFFICE, ANSWERS, HOSTED_ONE, HANDLES));
    }

    function test_late_and_irregular_together_move_nothing() public {
        open();
        step(ACCEPT, NOTARY, HANDLES);
        uint48 main = registry.caseOf(caseId).lastMain;
        vm.warp(START + 60);
        Claim memory c = flagged(VISIT, LATE | IRREGULAR);
        refuse(c, reason(ICaseRegistry.LateOrder.selector, main, c.occurred));
        c.occurred = main - 1;
        bytes32 digest = take(c, signed(c, NOTARY_OFFICE, ANSWERS, APPROVER, HANDLES));
        ICaseRegistry.Case memory state = registry.caseOf(caseId);
        assertEq(state.state, 2);
        assertEq(state.lastMain, main);
        assertEq(state.flags, 8);
        assertEq(state.handlers[0], NOTARY);
        assertEq(statusOf(digest), IN_FORCE | FLAG_LATE | FLAG_IRREGULAR);
    }

    // Pauses

    function test_a_pause_lets_only_some_kinds_pass() public {
        open();
        refuse(next(RESUME), reason(ICaseRegistry.CaseNotPaused.selector, RESUME));
        step(PAUSE, NOTARY_OFFICE, SEAL);
        assertEq(registry.caseOf(caseId).flags, 2);
        refuse(next(NOTE), reason(ICaseRegistry.CasePaused.selector, NOTE));
        refuse(next(PAUSE), reason(ICaseRegistry.CasePaused.selector, PAUSE));
        refuse(next(STOP), reason(ICaseRegistry.CasePaused.selector, STOP));
        step(PASS, NOTARY_OFFICE, SEAL);
        assertEq(registry.caseOf(caseId).flags, 2);
        step(RESUME, NOTARY_OFFICE, SEAL);
        assertEq(registry.caseOf(caseId).flags, 0);
        bytes32 note = step(NOTE, NOTARY_OFFICE, SEAL);
        step(STOP, NOTARY_OFFICE, SEAL);
        step(CLOSE, NOTARY_OFFICE, SEAL);
        // No pause outlasts the case, or nothing could be corrected any more.
        assertEq(registry.caseOf(caseId).flags, 1);
        Claim memory c = next(CORRECT);
        c.terms = note;
        take(c, NOTARY_OFFICE, SEAL);
    }

    // Ends

    function test_an_end_is_set_and_waited_for() public {
        open();
        step(ACCEPT, NOTARY, HANDLES);
        step(APPROVE, APPROVER, APPROVES);
        uint48 end = uint48((START + 10) * 1000);
        Claim memory c = next(PUBLISH);
        refuse(c, abi.encodeWithSelector(ICaseRegistry.TermsLayout.selector, PUBLISH, c.terms));
        c.terms = bytes32(uint256(1) << 208 | 1);
        refuse(c, abi.encodeWithSelector(ICaseRegistry.TermsLayout.selector, PUBLISH, c.terms));
        c.terms = bytes32(uint256(end) << 208);
        take(c, NOTARY_OFFICE, SEAL);
        assertEq(registry.caseOf(caseId).end, end);
        vm.warp(START + 20);
        c = next(DECIDE);
        c.occurred = end - 1;
        refuse(c, reason(ICaseRegistry.EndNotReached.selector, end, end - 1));
        c.occurred = end;
        refuse(
            c,
            signed(c, NOTARY, HANDLES, APPROVER, APPROVES),
            reason(ICaseRegistry.HandlerNotDistinct.selector, 1, NOTARY)
        );
        take(c, signed(c, NOTARY, APPROVES, APPROVER, HANDLES));
        assertEq(registry.caseOf(caseId).state, 2);
    }

    // After closing

    function test_a_closed_case_takes_only_what_comes_after() public {
        open();
        step(CLOSE, NOTARY_OFFICE, SEAL);
        refuse(next(PASS), reasonOf(ICaseRegistry.CaseClosed.selector, caseId));
        step(ARCHIVE, NOTARY_OFFICE, SEAL);
        ICaseRegistry.Case memory state = registry.caseOf(caseId);
        assertEq(state.state, 4); // the state in which it was closed stays
        assertEq(state.flags, 1);
        assertEq(state.sequence, 2);
        // No irregular act moves it either.
        take(flagged(ARCHIVE, IRREGULAR), NOTARY_OFFICE, ANSWERS);
        state = registry.caseOf(caseId);
        assertEq(state.state, 4);
        assertEq(state.flags, 9);
        assertEq(state.sequence, 3);
    }

    // Signers of many kinds

    function test_eight_sign_one_statement() public {
        admit(0x80000021, NOTARY_OFFICE, 4, SELF);
        admit(0x80000022, NOTARY_OFFICE, 4, SELF);
        open();
        Claim memory c = next(WIDE);
        c.counterparty = APPRAISERS;
        uint32[] memory signers = new uint32[](8);
        uint8[] memory roles = new uint8[](8);
        (signers[0], signers[1], signers[2], signers[3]) = (NOTARY_OFFICE, APPRAISERS, NOTARY, APPROVER);
        (signers[4], signers[5], signers[6], signers[7]) = (APPRAISER, OFFICER, 0x80000021, 0x80000022);
        (roles[0], roles[1], roles[2], roles[3]) = (SEAL, OTHER_SEAL, 0x43, 0x41);
        (roles[4], roles[5], roles[6], roles[7]) = (0xcd, 0x42, 0x45, 0x44);
        bytes memory signatures = signStatement(c, signers, roles);
        bytes memory few = new bytes(490);
        refuse(c, few, reason(SignedMessages.SignatureCount.selector, 8, 7));
        refuse(c, flip(signatures, 7 * 70 + 20), reason(SignedMessages.SignatureInvalid.selector, 0x80000022, 0));
        take(c, signatures);
        assertEq(registry.caseOf(caseId).handlers[6], 0x80000021);
    }

    function test_a_person_signs_only_while_the_institution_is_active() public {
        open();
        Claim memory c = next(JOINT);
        c.counterparty = APPRAISERS;
        bytes memory signatures = signed(c, NOTARY_OFFICE, SEAL, APPRAISER, OTHER_HANDLES);
        execute(abi.encodePacked(uint8(0x11), APPRAISERS));
        refuse(c, signatures, reason(ICaseRegistry.MemberNotActive.selector, APPRAISERS));
    }
}
