// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {CaseRegistry} from "../../contracts/CaseRegistry.sol";
import {ICaseRegistry} from "../../contracts/interfaces/ICaseRegistry.sol";
import {IBatchAnchor} from "../../contracts/interfaces/IBatchAnchor.sol";
import {IInstitutions} from "../../contracts/interfaces/IInstitutions.sol";
import {KeyRecords} from "../../contracts/libraries/KeyRecords.sol";
import {SignedMessages} from "../../contracts/libraries/SignedMessages.sol";
import {Sm3} from "../../contracts/libraries/Sm3.sol";
import {Cases} from "./support/Cases.sol";
import {Ledger} from "./support/Ledger.sol";
import {Members} from "./support/Members.sol";

/// Whoever relays what others signed can be first, delay and leave out, and nothing else.
contract RelayersTest is Cases, Members {
    address private constant RUNNER = address(0xf407);

    function setUp() public override(Cases, Ledger) {
        super.setUp();
    }

    /// Every word of the case and the record of its last statement.
    function standing() private view returns (bytes memory) {
        return abi.encode(registry.wordsOf(caseId), registry.recordOf(registry.headOf(caseId)));
    }

    // Being first

    /// The same bytes by another sender leave the same words; those that come second are told so.
    function checkFirst(Claim memory c, bytes memory signatures) private {
        uint256 before = vm.snapshotState();
        registry.record(pack(c), signatures);
        bytes memory expected = standing();
        vm.revertToState(before);
        vm.prank(RUNNER);
        registry.record(pack(c), signatures);
        assertEq(standing(), expected);
        refuse(c, signatures, reasonOf(ICaseRegistry.AlreadyRecorded.selector, Sm3.hash(pack(c))));
        assertEq(standing(), expected);
    }

    function test_a_statement_counts_once_whoever_sends_it() public {
        Claim memory c = opening();
        checkFirst(c, signed(c, NOTARY_OFFICE, SEAL));
        c = next(NOTE);
        c.counterparty = PRISON;
        checkFirst(c, signed(c, NOTARY_OFFICE, SEAL));
        c = next(TWO);
        checkFirst(c, signed(c, NOTARY, HANDLES, APPROVER, APPROVES));
    }

    function test_bytes_behind_the_call_change_nothing() public {
        Claim memory c = opening();
        bytes memory call_ = abi.encodeCall(registry.record, (pack(c), signed(c, NOTARY_OFFICE, SEAL)));
        uint256 before = vm.snapshotState();
        (bool done,) = address(registry).call(call_);
        assertTrue(done);
        bytes memory expected = standing();
        vm.revertToState(before);
        (done,) = address(registry).call(bytes.concat(call_, pack(c), hex"ff"));
        assertTrue(done);
        assertEq(standing(), expected);
    }

    function test_what_members_sign_counts_once_whoever_sends_it() public {
        (uint64 number, uint48 expires, bytes memory signatures) =
            decide(suspendAction(PRISON), institutions.contractId());
        vm.prank(RUNNER);
        institutions.execute(suspendAction(PRISON), number, expires, signatures, "");
        vm.expectRevert(abi.encodeWithSelector(IInstitutions.DecisionNumber.selector, number + 1, number));
        institutions.execute(suspendAction(PRISON), number, expires, signatures, "");

        bytes memory signature = suspension(NOTARY, NOTARY_OFFICE);
        vm.prank(RUNNER);
        institutions.suspendPractitioner(NOTARY, signature);
        vm.expectRevert(abi.encodeWithSelector(IInstitutions.MemberStatus.selector, NOTARY, 2));
        institutions.suspendPractitioner(NOTARY, signature);
        signatures = reinstatement(NOTARY, 0, NOTARY_OFFICE, REGULATOR);
        institutions.reinstatePractitioner(NOTARY, 0, signatures);
        vm.expectRevert(invalid(NOTARY_OFFICE, 0));
        institutions.suspendPractitioner(NOTARY, signature);

        IInstitutions.Admission memory a = admission(0x80000010, NOTARY_OFFICE, 1, SELF);
        (signatures, signature) = (admissionSignatures(a, NOTARY_OFFICE, REGULATOR), possession(a));
        vm.prank(RUNNER);
        institutions.admitPractitioner(a, signatures, signature);
        vm.expectRevert(abi.encodeWithSelector(IInstitutions.MemberExists.selector, a.number));
        institutions.admitPractitioner(a, signatures, signature);

        bytes memory header = abi.encodePacked(OPERATOR, new bytes(19), uint8(1), keccak256("root"), bytes32(0));
        signature = wire(4, 0, 1, OPERATOR, batches.contractId(), Sm3.hash(header));
        vm.prank(RUNNER);
        batches.anchor(header, signature);
        vm.expectRevert(abi.encodeWithSelector(IBatchAnchor.BatchNumber.selector, 1, 0));
        batches.anchor(header, signature);
    }

    // Two for one place

    function test_of_two_statements_for_one_place_one_lands() public {
        open();
        Claim memory one = next(NOTE);
        Claim memory other = next(PASS);
        // What was to come after each.
        Claim memory afterOne = next(REPLY);
        (afterOne.sequence, afterOne.previous) = (2, Sm3.hash(pack(one)));
        Claim memory afterOther = next(REPLY);
        (afterOther.sequence, afterOther.previous) = (2, Sm3.hash(pack(other)));
        uint256 before = vm.snapshotState();
        checkPlace(one, other, afterOther);
        vm.revertToState(before);
        checkPlace(other, one, afterOne);
    }

    /// The winner stands; the loser, and what builds on the loser, does not.
    function checkPlace(Claim memory winner, Claim memory loser, Claim memory afterLoser) private {
        bytes32 head = take(winner, NOTARY_OFFICE, SEAL);
        refuse(loser, signed(loser, NOTARY_OFFICE, SEAL), reason(ICaseRegistry.CaseSequence.selector, 2, 1));
        refuse(
            afterLoser,
            signed(afterLoser, NOTARY_OFFICE, SEAL),
            abi.encodeWithSelector(ICaseRegistry.CasePrevious.selector, head, afterLoser.previous)
        );
        assertEq(registry.headOf(caseId), head);
        assertEq(registry.caseOf(caseId).sequence, 1);
        assertEq(registry.recordOf(Sm3.hash(pack(loser))), 0);
    }

    function test_of_two_openings_of_one_case_one_lands() public {
        Claim memory one = opening();
        Claim memory other = opening();
        other.content = keccak256("other content");
        bytes memory signatures = signed(other, NOTARY_OFFICE, SEAL);
        bytes32 head = take(one, NOTARY_OFFICE, SEAL);
        refuse(other, signatures, reasonOf(ICaseRegistry.CaseExists.selector, caseId));
        assertEq(registry.headOf(caseId), head);
    }

    // The key index, which nobody signs

    function withIndex(bytes memory list, uint256 at, uint8 keyIndex) private pure returns (bytes memory changed) {
        changed = bytes.concat(list);
        changed[at * 70 + 5] = bytes1(keyIndex);
    }

    function test_another_key_index_makes_no_other_statement() public {
        renewPractitioner(NOTARY, "second");
        registerRecovery(NOTARY_OFFICE, "vault");
        open();
        Claim memory c = next(TWO);
        bytes memory list = signed(c, NOTARY, HANDLES, APPROVER, APPROVES);
        refuse(c, withIndex(list, 0, 1), invalid(NOTARY, 1)); // a key that is valid, and another one
        refuse(c, withIndex(list, 0, 2), reason(KeyRecords.KeyUnknown.selector, NOTARY, 2));
        refuse(c, withIndex(list, 1, 1), reason(KeyRecords.KeyUnknown.selector, APPROVER, 1));
        refuse(c, withIndex(list, 1, 255), reason(KeyRecords.KeyUnknown.selector, APPROVER, 255));
        take(c, list);
        // Under the index of a recovery key nothing is signed but a recovery, not even with that key.
        c = next(NOTE);
        list = signed(c, NOTARY_OFFICE, SEAL);
        refuse(c, withIndex(list, 0, RECOVERY), reason(KeyRecords.KeyUnknown.selector, NOTARY_OFFICE, RECOVERY));
        bytes memory text = message(1, SEAL, 1, NOTARY_OFFICE, registry.contractId(), Sm3.hash(pack(c)));
        list = abi.encodePacked(NOTARY_OFFICE, SEAL, RECOVERY, sign(privateKey(NOTARY_OFFICE, "vault"), text));
        refuse(c, list, reason(KeyRecords.KeyUnknown.selector, NOTARY_OFFICE, RECOVERY));
    }

    function test_of_a_keys_periods_the_one_that_is_open_counts() public {
        institutions.suspendPractitioner(NOTARY, suspension(NOTARY, NOTARY_OFFICE));
        institutions.reinstatePractitioner(NOTARY, 0, reinstatement(NOTARY, 0, NOTARY_OFFICE, REGULATOR));
        open();
        Claim memory c = next(ACCEPT);
        bytes memory list = signed(c, NOTARY, HANDLES);
        refuse(c, list, abi.encodeWithSelector(KeyRecords.KeyNotValid.selector, NOTARY, 0, uint48(block.timestamp)));
        checkFirst(c, withIndex(list, 0, 1));
    }

    function test_another_key_index_makes_no_other_act() public {
        renewInstitution(NOTARY_OFFICE, "second");
        (uint64 number, uint48 expires, bytes memory list) = decide(suspendAction(PRISON), institutions.contractId());
        refuseSigned(suspendAction(PRISON), number, expires, withIndex(list, 0, 1), invalid(NOTARY_OFFICE, 1));
        refuseSigned(
            suspendAction(PRISON),
            number,
            expires,
            withIndex(list, 1, 1),
            reason(KeyRecords.KeyUnknown.selector, REGULATOR, 1)
        );
        bytes memory own = revocation(NOTARY_OFFICE);
        vm.expectRevert(reason(IInstitutions.KeyIndexUnexpected.selector, 0, 1));
        institutions.revokeKey(NOTARY_OFFICE, 0, 0, withIndex(own, 0, 1));
        vm.expectRevert(invalid(NOTARY_OFFICE, 1));
        institutions.revokeKey(NOTARY_OFFICE, 1, 0, withIndex(own, 0, 1));
        assertEq(institutions.member(NOTARY_OFFICE).openKeys, 0x0102);
    }

    // Tables of keys

    function test_a_table_that_somebody_adds_first_changes_no_answer() public {
        open();
        Claim memory c = next(TWO);
        bytes memory list = signed(c, NOTARY, HANDLES, APPROVER, APPROVES);
        uint256 before = vm.snapshotState();
        registry.record(pack(c), list);
        bytes memory expected = standing();
        vm.revertToState(before);
        vm.prank(RUNNER);
        institutions.addTable(NOTARY, 0);
        vm.expectRevert(reason(IInstitutions.KeyTablePresent.selector, NOTARY, 0));
        institutions.addTable(NOTARY, 0);
        refuse(c, flip(list, 69), invalid(NOTARY, 0));
        refuse(c, flip(list, 139), invalid(APPROVER, 0));
        c.content = keccak256("other content");
        refuse(c, list, invalid(NOTARY, 0));
        c.content = keccak256("content");
        registry.record(pack(c), list);
        assertEq(standing(), expected);
    }

    // Decisions of somebody else

    /// What the voters decided for one contract is used up by no other one, be it the relayer's own.
    function test_a_decision_is_used_up_by_its_own_contract() public {
        bytes memory action = abi.encodePacked(uint8(0x21), tableDigest, uint48(5));
        (uint64 number, uint48 expires, bytes memory list) = decide(action, registry.contractId());
        CaseRegistry other = new CaseRegistry(institutions, DOMAIN, ICaseRegistry(address(0)));
        address[3] memory callers = [RUNNER, address(other), address(batches)];
        for (uint256 i; i < callers.length; ++i) {
            vm.prank(callers[i]);
            vm.expectRevert(invalid(NOTARY_OFFICE, 0));
            institutions.consumeDecision(action, number, expires, list);
        }
        assertEq(institutions.decisions(), number - 1);
        registry.endTable(tableDigest, 5, number, expires, list);
        (,, uint48 until) = registry.termsOf(tableDigest);
        assertEq(until, 5);
    }

    function test_a_decision_for_another_contract_does_nothing_here() public {
        bytes memory action = abi.encodePacked(uint8(0x22), address(0));
        bytes32 runnersId = idOf(RUNNER, institutions.foundingDigest());
        (uint64 number, uint48 expires, bytes memory list) = decide(action, runnersId);
        vm.expectRevert(invalid(NOTARY_OFFICE, 0));
        registry.close(address(0), number, expires, list);
        vm.expectRevert(invalid(NOTARY_OFFICE, 0));
        batches.close(address(0), number, expires, list);
        // Its own contract may use it up, which closes nothing.
        vm.prank(RUNNER);
        institutions.consumeDecision(action, number, expires, list);
        assertEq(institutions.decisions(), number);
        assertFalse(registry.closed());
        assertFalse(batches.closed());
        // What `Institutions` itself was to do is done by nobody's call for it.
        (number, expires, list) = decide(suspendAction(PRISON), institutions.contractId());
        vm.prank(RUNNER);
        vm.expectRevert(invalid(NOTARY_OFFICE, 0));
        institutions.consumeDecision(suspendAction(PRISON), number, expires, list);
        assertEq(institutions.member(PRISON).status, 1);
    }

    // From a registry to the one that the closing named

    function test_what_was_signed_for_a_registry_does_not_count_in_its_successor() public {
        open();
        Claim memory fresh = opening();
        fresh.caseId = bytes32(uint256(NOTARY_OFFICE) << 224 | 0xf);
        bytes memory freshList = signed(fresh, NOTARY_OFFICE, SEAL);
        Claim memory goesOn = opening();
        (goesOn.kind, goesOn.terms) = (CONTINUE, registry.headOf(caseId));
        bytes memory goesOnList = signed(goesOn, NOTARY_OFFICE, SEAL);
        ICaseRegistry old = succeed();
        refuse(fresh, freshList, invalid(NOTARY_OFFICE, 0));
        refuse(goesOn, goesOnList, invalid(NOTARY_OFFICE, 0));
        take(goesOn, NOTARY_OFFICE, SEAL);
        // Nor what follows in the case.
        Claim memory c = next(NOTE);
        bytes memory here = signed(c, NOTARY_OFFICE, SEAL);
        registry = CaseRegistry(address(old));
        bytes memory there = signed(c, NOTARY_OFFICE, SEAL);
        registry = ICaseRegistry(old.successor());
        refuse(c, there, invalid(NOTARY_OFFICE, 0));
        registry.record(pack(c), here);
    }

    function test_what_was_decided_for_a_registry_is_not_done_in_its_successor() public {
        succeed();
        ICaseRegistry old = registry.predecessor();
        bytes memory action = abi.encodePacked(uint8(0x21), tableDigest, uint48(5));
        (uint64 number, uint48 expires, bytes memory list) = decide(action, old.contractId());
        vm.expectRevert(invalid(NOTARY_OFFICE, 0));
        registry.endTable(tableDigest, 5, number, expires, list);
        // It is used up by nobody: the old registry is closed.
        vm.expectRevert(abi.encodeWithSelector(ICaseRegistry.ContractClosed.selector, address(registry)));
        old.endTable(tableDigest, 5, number, expires, list);
        assertEq(institutions.decisions(), number - 1);
        (,, uint48 until) = registry.termsOf(tableDigest);
        assertEq(until, FOREVER);
    }
}
