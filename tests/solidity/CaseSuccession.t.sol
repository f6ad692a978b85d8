// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {CaseRegistry} from "../../contracts/CaseRegistry.sol";
import {Institutions} from "../../contracts/Institutions.sol";
import {ICaseRegistry} from "../../contracts/interfaces/ICaseRegistry.sol";
import {SignedMessages} from "../../contracts/libraries/SignedMessages.sol";
import {Sm3} from "../../contracts/libraries/Sm3.sol";
import {Cases} from "./support/Cases.sol";
import {Tables} from "./support/Tables.sol";

/// Cases of a closed registry go on in its successor (SPEC §8.6).
contract CaseSuccessionTest is Cases {
    bytes32 private _note;

    function setUp() public override {
        super.setUp();
        open();
        invite(APPRAISERS);
        step(ACCEPT, NOTARY, HANDLES);
        _note = step(NOTE, NOTARY_OFFICE, SEAL);
    }

    /// What continues the case, whose registry `old` is.
    function continuing(ICaseRegistry old) private view returns (Claim memory c) {
        c = opening();
        c.kind = CONTINUE;
        c.terms = old.headOf(caseId);
    }

    function test_a_case_goes_on_with_all_its_words() public {
        Claim memory last = next(PUBLISH);
        last.terms = bytes32(uint256(START * 1000 + 5) << 208);
        take(last, NOTARY_OFFICE, SEAL);
        step(PAUSE, NOTARY_OFFICE, SEAL);
        ICaseRegistry old = succeed();
        ICaseRegistry.Case memory was = old.caseOf(caseId);
        vm.warp(START + 9);
        Claim memory c = continuing(old);
        bytes32 digest = take(c, NOTARY_OFFICE, SEAL);
        ICaseRegistry.Case memory state = registry.caseOf(caseId);
        assertEq(state.head, digest);
        assertEq(state.table, tableDigest);
        assertEq(state.tableIndex, 2);
        assertEq(was.tableIndex, 1);
        assertEq(state.sequence, 0);
        assertEq(state.state, was.state);
        assertEq(state.flags, was.flags | 16);
        assertEq(state.kindsSeen, was.kindsSeen);
        assertEq(state.lastMain, c.occurred);
        assertEq(state.end, was.end);
        assertEq(state.guestCount, 1);
        assertEq(abi.encode(state.guests), abi.encode(was.guests));
        assertEq(abi.encode(state.handlers), abi.encode(was.handlers));
        assertEq(statusOf(digest), 1);
        assertEq(uint8(registry.recordOf(digest)[15]), 255);
        assertEq(uint16(bytes2(registry.recordOf(digest) << 104)), 2);
        step(RESUME, NOTARY_OFFICE, SEAL);
        step(APPROVE, APPROVER, APPROVES);
        assertEq(registry.caseOf(caseId).sequence, 2);
    }

    function test_a_sample_goes_on_with_its_holding() public {
        caseId = bytes32(uint256(caseId) + 1);
        Claim memory c = opening();
        (c.kind, c.previous, c.terms) = (HOLD, sampleTable, holding(5, 2, NOTARY_OFFICE));
        take(c, NOTARY_OFFICE, SEAL);
        ICaseRegistry old = succeed();
        c = continuing(old);
        (c.kind, c.previous, c.occurred) = (0x12ff, sampleTable, 0);
        take(c, NOTARY_OFFICE, SEAL);
        ICaseRegistry.Case memory state = registry.caseOf(caseId);
        assertEq(state.quantity, 5);
        assertEq(state.unit, 2);
        assertEq(state.holder, NOTARY_OFFICE);
        assertEq(state.lastMain, old.caseOf(caseId).lastMain); // never earlier than it was
    }

    function test_a_closed_and_irregular_case_goes_on_as_such() public {
        Claim memory c = next(DECIDE);
        c.flags = IRREGULAR;
        take(c, NOTARY_OFFICE, ANSWERS);
        step(CLOSE, NOTARY_OFFICE, SEAL);
        ICaseRegistry old = succeed();
        bytes32 digest = take(continuing(old), NOTARY_OFFICE, SEAL);
        assertEq(statusOf(digest), 0x41);
        assertEq(registry.caseOf(caseId).flags, 25);
        refuse(next(NOTE), reasonOf(ICaseRegistry.CaseClosed.selector, caseId));
        step(ARCHIVE, NOTARY_OFFICE, SEAL);
    }

    function test_a_guest_may_continue_a_case() public {
        ICaseRegistry old = succeed();
        Claim memory c = continuing(old);
        c.institution = PRISON;
        refuse(c, reason(ICaseRegistry.NotParticipant.selector, PRISON));
        c.institution = APPRAISERS;
        take(c, APPRAISERS, SEAL);
        Claim memory again = continuing(old);
        refuse(c, reasonOf(ICaseRegistry.AlreadyRecorded.selector, Sm3.hash(pack(c))));
        refuse(again, reasonOf(ICaseRegistry.CaseExists.selector, caseId));
        step(NOTE, NOTARY_OFFICE, SEAL); // the opener is still the opener
    }

    function test_what_continues_a_case_says_so_exactly() public {
        ICaseRegistry old = succeed();
        Claim memory c = continuing(old);
        c.sequence = 1;
        refuse(c, reason(ICaseRegistry.KindOpening.selector, CONTINUE, 1));
        c = continuing(old);
        c.caseId = bytes32(uint256(caseId) + 1);
        refuse(c, reasonOf(ICaseRegistry.CaseUnknown.selector, c.caseId));
        c = continuing(old);
        c.previous = sampleTable;
        refuse(c, reasonOf(ICaseRegistry.TableUnknown.selector, sampleTable));
        c = continuing(old);
        c.kind = 0x12ff;
        refuse(c, abi.encodeWithSelector(ICaseRegistry.KindUnknown.selector, tableDigest, 0x12ff));
        c = continuing(old);
        bytes32 head = c.terms;
        c.terms = _note ^ bytes32(uint256(1));
        refuse(c, abi.encodeWithSelector(ICaseRegistry.ContinueHead.selector, head, c.terms));
        c = continuing(old);
        c.counterparty = APPRAISERS;
        refuse(c, reason(ICaseRegistry.CounterpartyNotAllowed.selector, CONTINUE, APPRAISERS));
        c = continuing(old);
        c.flags = LATE;
        refuse(c, reason(ICaseRegistry.LateNotAllowed.selector, CONTINUE));
        c.flags = IRREGULAR;
        refuse(c, reason(ICaseRegistry.IrregularNotAllowed.selector, CONTINUE));
        c = continuing(old);
        refuse(c, "", reason(SignedMessages.SignatureCount.selector, 1, 0));
        refuse(c, signed(c, NOTARY, HANDLES), reason(SignedMessages.SignatureRole.selector, NOTARY, HANDLES));
        refuse(
            c,
            signed(c, APPRAISERS, SEAL),
            reason(ICaseRegistry.SignerNotInstitution.selector, NOTARY_OFFICE, APPRAISERS)
        );
        bytes memory signatures = signed(c, NOTARY_OFFICE, SEAL);
        refuse(c, flip(signatures, 30), reason(SignedMessages.SignatureInvalid.selector, NOTARY_OFFICE, 0));
        (c.flags, c.subject) = (4, 0); // it may be confidential
        take(c, NOTARY_OFFICE, SEAL);
    }

    function test_a_case_goes_on_only_where_its_table_is_registered() public {
        ICaseRegistry old = registry;
        CaseRegistry heir = new CaseRegistry(institutions, DOMAIN, old);
        close(address(heir));
        registry = heir;
        registerTable(Tables.sample(), 0, FOREVER);
        refuse(continuing(old), reasonOf(ICaseRegistry.TableUnknown.selector, tableDigest));
        registerTable(Tables.matter(), 0, 1); // whose dates are for openings alone
        take(continuing(old), NOTARY_OFFICE, SEAL);
    }

    function test_nothing_is_continued_without_a_predecessor_or_from_an_open_one() public {
        ICaseRegistry old = registry;
        refuse(continuing(old), abi.encodeWithSelector(ICaseRegistry.PredecessorMissing.selector));
        CaseRegistry heir = new CaseRegistry(institutions, DOMAIN, old);
        CaseRegistry other = new CaseRegistry(institutions, DOMAIN, old);
        registry = heir;
        registerTable(Tables.matter(), 0, FOREVER);
        bytes memory isOpen = abi.encodeWithSelector(ICaseRegistry.PredecessorOpen.selector, address(old));
        refuse(continuing(old), isOpen);
        Claim memory c = opening();
        c.caseId = bytes32(uint256(caseId) + 1);
        refuse(c, isOpen);
        registry = old;
        close(address(other));
        registry = heir;
        bytes memory mismatch = abi.encodeWithSelector(ICaseRegistry.PredecessorMismatch.selector, address(old));
        refuse(continuing(old), mismatch);
    }

    function test_a_successor_opens_no_case_that_the_predecessor_has() public {
        ICaseRegistry old = succeed();
        refuse(opening(), reasonOf(ICaseRegistry.CaseExists.selector, caseId));
        Claim memory c = opening();
        c.caseId = bytes32(uint256(caseId) + 1);
        take(c, NOTARY_OFFICE, SEAL);
        take(continuing(old), NOTARY_OFFICE, SEAL);
    }

    function test_a_case_is_opened_again_in_no_later_registry() public {
        // The certificate is revoked where it stands, and the case goes on nowhere.
        Claim memory c = next(REVOKE);
        c.terms = _note;
        take(c, NOTARY_OFFICE, SEAL);
        succeed();
        ICaseRegistry last = succeed();
        assertTrue(last.hasCase(caseId) && registry.hasCase(caseId));
        assertEq(last.headOf(caseId), 0);
        refuse(opening(), reasonOf(ICaseRegistry.CaseExists.selector, caseId));
        refuse(continuing(registry), reasonOf(ICaseRegistry.CaseUnknown.selector, caseId));
        caseId = bytes32(uint256(caseId) + 1);
        assertFalse(registry.hasCase(caseId));
        open();
        assertTrue(registry.hasCase(caseId));
    }

    function test_only_a_registry_that_was_deployed_as_successor_is_named() public {
        refuseHeir(address(0xbeef));
        refuseHeir(address(registry));
        refuseHeir(address(new CaseRegistry(institutions, DOMAIN, ICaseRegistry(address(0)))));
        CaseRegistry heir = new CaseRegistry(institutions, DOMAIN, registry);
        refuseHeir(address(new CaseRegistry(institutions, DOMAIN, heir)));
        close(address(heir));
        assertEq(registry.successor(), address(heir));
    }

    function refuseHeir(address heir) private {
        (uint64 number, uint48 expires, bytes memory signatures) =
            decide(abi.encodePacked(uint8(0x22), heir), registry.contractId());
        vm.expectRevert(abi.encodeWithSelector(ICaseRegistry.SuccessorMismatch.selector, heir));
        registry.close(heir, number, expires, signatures);
    }

    function test_a_registry_that_the_closing_did_not_name_opens_no_case() public {
        ICaseRegistry old = registry;
        succeed();
        registry = new CaseRegistry(institutions, DOMAIN, old);
        registerTable(Tables.matter(), 0, FOREVER);
        Claim memory c = opening();
        c.caseId = bytes32(uint256(caseId) + 1);
        refuse(c, abi.encodeWithSelector(ICaseRegistry.PredecessorMismatch.selector, address(old)));
    }

    function test_a_successor_is_of_the_same_domain_and_ledger() public {
        bytes memory mismatch = abi.encodeWithSelector(ICaseRegistry.PredecessorMismatch.selector, address(registry));
        vm.expectRevert(mismatch);
        new CaseRegistry(institutions, 2, registry);
        Institutions other = found(THRESHOLD, founders());
        vm.expectRevert(mismatch);
        new CaseRegistry(other, DOMAIN, registry);
    }

    function test_a_target_before_the_closing_is_found_and_kept_here() public {
        ICaseRegistry old = succeed();
        take(continuing(old), NOTARY_OFFICE, SEAL);
        bytes32 before = old.recordOf(_note);
        Claim memory c = next(CORRECT);
        c.terms = _note;
        take(c, NOTARY_OFFICE, SEAL);
        assertEq(old.recordOf(_note), before);
        // The status changed, and the index of the table is that of the table here.
        assertEq(uint256(registry.recordOf(_note) ^ before), uint256(3) << 152 | uint256(3) << 136);
        c = next(REVOKE);
        c.terms = _note;
        refuse(c, reasonOf(ICaseRegistry.TargetStatus.selector, _note, 2));
        c.terms = keccak256("nothing");
        refuse(c, reasonOf(ICaseRegistry.TargetUnknown.selector, c.terms));
    }

    function test_a_basis_is_a_statement_of_this_registry() public {
        bytes32 here = take(continuing(succeed()), NOTARY_OFFICE, SEAL);
        Claim memory c = next(REST);
        c.terms = _note;
        refuse(c, reasonOf(ICaseRegistry.BasisUnknown.selector, _note));
        c.terms = here;
        take(c, NOTARY_OFFICE, SEAL);
    }

    function test_only_continued_cases_look_back() public {
        succeed();
        caseId = bytes32(uint256(caseId) + 1);
        open();
        Claim memory c = next(CORRECT);
        c.terms = _note;
        refuse(c, reasonOf(ICaseRegistry.TargetUnknown.selector, _note));
    }
}
