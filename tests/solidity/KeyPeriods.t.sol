// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IInstitutions} from "../../contracts/interfaces/IInstitutions.sol";
import {KeyRecords} from "../../contracts/libraries/KeyRecords.sol";
import {SignedMessages} from "../../contracts/libraries/SignedMessages.sol";
import {Members} from "./support/Members.sol";

/// How keys end and come back, and where their periods and tables lie (SPEC §5.2, §5.3).
contract KeyPeriodsTest is Members {
    // Ends (SPEC §5.2, §5.3)

    function test_a_key_revokes_itself_once() public {
        admit(NOTARY, NOTARY_OFFICE, 1, SELF);
        vm.warp(START + 60);
        bytes memory signature = revocation(NOTARY);
        (bytes32 z,,) = keyOf(NOTARY);
        vm.expectEmit(true, true, true, true, address(institutions));
        emit IInstitutions.KeyEnded(NOTARY, z, 0, uint48(START + 60), 1, signature);
        institutions.revokeKey(NOTARY, 0, 0, signature);
        assertEq(
            institutions.keyRecord(z, 0), keyWord(NOTARY, NOTARY_OFFICE, 1, SELF, uint48(START), uint48(START + 60), 1)
        );
        assertEq(institutions.member(NOTARY).openKeys, 0);
        vm.warp(START + 120);
        vm.expectRevert(abi.encodeWithSelector(KeyRecords.KeyNotValid.selector, NOTARY, 0, START + 60));
        institutions.revokeKey(NOTARY, 0, 0, signature);
    }

    function test_a_key_says_since_when_it_is_compromised() public {
        admit(NOTARY, NOTARY_OFFICE, 1, SELF);
        vm.warp(START + 60);
        bytes memory signature = revocation(NOTARY, uint48(START - 7));
        (bytes32 z,,) = keyOf(NOTARY);
        vm.expectRevert(abi.encodeWithSelector(SignedMessages.SignatureInvalid.selector, NOTARY, 0));
        institutions.revokeKey(NOTARY, 0, 0, signature);
        bytes memory later = revocation(NOTARY, uint48(START + 61));
        vm.expectRevert(abi.encodeWithSelector(IInstitutions.CompromisedSince.selector, START + 60, START + 61));
        institutions.revokeKey(NOTARY, 0, uint48(START + 61), later);
        vm.expectEmit(true, true, true, true, address(institutions));
        emit IInstitutions.KeyCompromised(NOTARY, z, 0, uint48(START - 7));
        institutions.revokeKey(NOTARY, 0, uint48(START - 7), signature);
        assertEq(
            institutions.keyRecord(z, 0),
            periodWord(NOTARY, NOTARY_OFFICE, 1, 0, [uint48(START), uint48(START + 60), uint48(START - 7)], 1)
        );
    }

    function test_a_key_never_makes_its_date_of_compromise_later() public {
        admit(NOTARY, NOTARY_OFFICE, 1, SELF);
        vm.warp(START + 60);
        execute(abi.encodePacked(uint8(0x17), NOTARY, uint8(0), uint48(START + 5)));
        bytes memory later = revocation(NOTARY, uint48(START + 6));
        vm.expectRevert(abi.encodeWithSelector(IInstitutions.CompromisedSince.selector, START + 5, START + 6));
        institutions.revokeKey(NOTARY, 0, uint48(START + 6), later);
        institutions.revokeKey(NOTARY, 0, uint48(START + 4), revocation(NOTARY, uint48(START + 4)));
        (bytes32 z,,) = keyOf(NOTARY);
        assertEq(
            institutions.keyRecord(z, 0),
            periodWord(NOTARY, NOTARY_OFFICE, 1, 0, [uint48(START), uint48(START + 60), uint48(START + 4)], 1)
        );
    }

    function test_one_of_two_keys_ends_and_the_other_signs_on() public {
        admit(NOTARY, NOTARY_OFFICE, 1, SELF);
        renewPractitioner(NOTARY, "second");
        institutions.revokeKey(NOTARY, 1, 0, revocationBy(NOTARY, "second", 1, 0));
        assertEq(institutions.member(NOTARY).openKeys, 0x01);
        renewPractitioner(NOTARY, "third");
        assertEq(institutions.member(NOTARY).openKeys, 0x0103);
        revoke(NOTARY);
        assertEq(institutions.member(NOTARY).openKeys, 0x03);
        institutions.revokeKey(NOTARY, 2, 0, revocationBy(NOTARY, "third", 2, 0));
        assertEq(institutions.member(NOTARY).openKeys, 0);
    }

    function test_only_the_key_itself_revokes() public {
        bytes memory good = revocation(NOTARY_OFFICE);
        bytes memory others = revocation(REGULATOR);
        vm.expectRevert(abi.encodeWithSelector(SignedMessages.SignerUnexpected.selector, NOTARY_OFFICE, REGULATOR));
        institutions.revokeKey(NOTARY_OFFICE, 0, 0, others);
        vm.expectRevert(abi.encodeWithSelector(IInstitutions.KeyIndexUnexpected.selector, 1, 0));
        institutions.revokeKey(NOTARY_OFFICE, 1, 0, good);
        bytes memory changed = bytes.concat(good);
        changed[5] = 0x01;
        vm.expectRevert(abi.encodeWithSelector(KeyRecords.KeyUnknown.selector, NOTARY_OFFICE, 1));
        institutions.revokeKey(NOTARY_OFFICE, 1, 0, changed);
        vm.expectRevert(abi.encodeWithSelector(SignedMessages.SignatureInvalid.selector, NOTARY_OFFICE, 0));
        institutions.revokeKey(NOTARY_OFFICE, 0, 0, flip(good, 33));
        changed = bytes.concat(good);
        changed[4] = 0x80;
        vm.expectRevert(abi.encodeWithSelector(SignedMessages.SignatureRole.selector, NOTARY_OFFICE, 0x80));
        institutions.revokeKey(NOTARY_OFFICE, 0, 0, changed);
        institutions.revokeKey(NOTARY_OFFICE, 0, 0, good);
    }

    // Suspension and reinstatement

    function test_the_institution_suspends_its_practitioner_once() public {
        admit(NOTARY, NOTARY_OFFICE, 1, SELF);
        vm.warp(START + 60);
        bytes memory signature = suspension(NOTARY, NOTARY_OFFICE);
        (bytes32 z,,) = keyOf(NOTARY);
        vm.expectEmit(true, true, true, true, address(institutions));
        emit IInstitutions.PractitionerSuspended(NOTARY, 0, signature);
        vm.expectEmit(true, true, true, true, address(institutions));
        emit IInstitutions.KeyEnded(NOTARY, z, 0, uint48(START + 60), 2, "");
        institutions.suspendPractitioner(NOTARY, signature);
        assertEq(institutions.member(NOTARY).status, 2);
        assertEq(institutions.member(NOTARY).changes, 1);
        assertEq(
            institutions.keyRecord(z, 0), keyWord(NOTARY, NOTARY_OFFICE, 1, SELF, uint48(START), uint48(START + 60), 2)
        );
        vm.expectRevert(abi.encodeWithSelector(IInstitutions.MemberStatus.selector, NOTARY, 2));
        institutions.suspendPractitioner(NOTARY, signature);
    }

    function test_a_regulator_suspends_alone() public {
        admit(NOTARY, NOTARY_OFFICE, 1, SELF);
        institutions.suspendPractitioner(NOTARY, suspension(NOTARY, REGULATOR));
        assertEq(institutions.member(NOTARY).status, 2);
    }

    function test_suspending_leaves_an_earlier_end_where_it_is() public {
        admit(NOTARY, NOTARY_OFFICE, 1, SELF);
        revoke(NOTARY);
        vm.warp(START + 60);
        institutions.suspendPractitioner(NOTARY, suspension(NOTARY, NOTARY_OFFICE));
        (bytes32 z,,) = keyOf(NOTARY);
        assertEq(institutions.keyRecord(z, 0), keyWord(NOTARY, NOTARY_OFFICE, 1, SELF, uint48(START), uint48(START), 1));
    }

    function test_nobody_else_suspends() public {
        admit(NOTARY, NOTARY_OFFICE, 1, SELF);
        admit(APPROVER, NOTARY_OFFICE, 1, SELF);
        bytes memory others = suspension(NOTARY, APPRAISERS);
        vm.expectRevert(abi.encodeWithSelector(IInstitutions.RegulatorMissing.selector, APPRAISERS, 2));
        institutions.suspendPractitioner(NOTARY, others);
        others = suspension(NOTARY, APPROVER);
        vm.expectRevert(abi.encodeWithSelector(IInstitutions.RegulatorMissing.selector, APPROVER, 1));
        institutions.suspendPractitioner(NOTARY, others);
        bytes memory good = suspension(NOTARY, NOTARY_OFFICE);
        vm.expectRevert(abi.encodeWithSelector(SignedMessages.SignatureInvalid.selector, NOTARY_OFFICE, 0));
        institutions.suspendPractitioner(NOTARY, flip(good, 20));
        vm.expectRevert(abi.encodeWithSelector(SignedMessages.SignatureCount.selector, 1, 2));
        institutions.suspendPractitioner(NOTARY, bytes.concat(good, good));
        vm.expectRevert(abi.encodeWithSelector(SignedMessages.SignatureInvalid.selector, NOTARY_OFFICE, 0));
        institutions.suspendPractitioner(APPROVER, good);
        vm.expectRevert(abi.encodeWithSelector(IInstitutions.MemberUnknown.selector, APPRAISER));
        institutions.suspendPractitioner(APPRAISER, good);
        vm.expectRevert(abi.encodeWithSelector(IInstitutions.PractitionerNumber.selector, PRISON));
        institutions.suspendPractitioner(PRISON, good);
        institutions.suspendPractitioner(NOTARY, good);
    }

    function test_a_reinstated_key_has_a_period_of_its_own() public {
        admit(NOTARY, NOTARY_OFFICE, 1, SELF);
        (bytes32 z, uint256 x, uint256 y) = keyOf(NOTARY);
        vm.warp(START + 60);
        bytes memory suspended = suspension(NOTARY, NOTARY_OFFICE);
        institutions.suspendPractitioner(NOTARY, suspended);
        vm.warp(START + 120);
        bytes memory signatures = reinstatement(NOTARY, 0, NOTARY_OFFICE, REGULATOR);
        vm.expectEmit(true, true, true, true, address(institutions));
        emit IInstitutions.PractitionerReinstated(NOTARY, 1, 0, signatures);
        vm.expectEmit(true, true, true, true, address(institutions));
        emit IInstitutions.KeyRegistered(NOTARY, z, 1, x, y, SELF, uint48(START + 120), cardOf(NOTARY), "");
        institutions.reinstatePractitioner(NOTARY, 0, signatures);

        // The suspended time stays a gap between two periods of one key.
        assertEq(
            institutions.keyRecord(z, 0), keyWord(NOTARY, NOTARY_OFFICE, 1, SELF, uint48(START), uint48(START + 60), 2)
        );
        assertEq(
            institutions.keyRecord(z, 1),
            periodWord(NOTARY, NOTARY_OFFICE, 1, 1, [uint48(START + 120), type(uint48).max, 0], 0)
        );
        assertEq(institutions.identityRoot(z, 1), cardOf(NOTARY));
        assertEq(institutions.member(NOTARY).status, 1);
        assertEq(institutions.member(NOTARY).changes, 2);
        assertEq(institutions.holderOf(z), NOTARY);

        // Neither signature serves again.
        vm.expectRevert(abi.encodeWithSelector(SignedMessages.SignatureInvalid.selector, NOTARY_OFFICE, 0));
        institutions.suspendPractitioner(NOTARY, suspended);
        vm.expectRevert(abi.encodeWithSelector(IInstitutions.MemberStatus.selector, NOTARY, 1));
        institutions.reinstatePractitioner(NOTARY, 0, signatures);
        institutions.suspendPractitioner(NOTARY, suspension(NOTARY, NOTARY_OFFICE));
        vm.expectRevert(abi.encodeWithSelector(SignedMessages.SignatureInvalid.selector, NOTARY_OFFICE, 0));
        institutions.reinstatePractitioner(NOTARY, 0, signatures);
    }

    function test_reinstating_takes_institution_and_regulator() public {
        admit(NOTARY, NOTARY_OFFICE, 1, SELF);
        institutions.suspendPractitioner(NOTARY, suspension(NOTARY, NOTARY_OFFICE));
        bytes memory signatures = reinstatement(NOTARY, 0, NOTARY_OFFICE, PRISON);
        vm.expectRevert(abi.encodeWithSelector(IInstitutions.RegulatorMissing.selector, PRISON, 3));
        institutions.reinstatePractitioner(NOTARY, 0, signatures);
        signatures = suspension(NOTARY, NOTARY_OFFICE);
        vm.expectRevert(abi.encodeWithSelector(SignedMessages.SignatureCount.selector, 2, 1));
        institutions.reinstatePractitioner(NOTARY, 0, signatures);
        signatures = reinstatement(NOTARY, 0, NOTARY_OFFICE, REGULATOR);
        vm.expectRevert(abi.encodeWithSelector(SignedMessages.SignatureInvalid.selector, NOTARY_OFFICE, 0));
        institutions.reinstatePractitioner(NOTARY, 255, signatures);
        institutions.reinstatePractitioner(NOTARY, 0, signatures);
    }

    function refuseReinstatement(uint8 keyIndex) internal {
        bytes memory signatures = reinstatement(NOTARY, keyIndex, NOTARY_OFFICE, REGULATOR);
        vm.expectRevert(abi.encodeWithSelector(IInstitutions.PeriodNotSuspended.selector, NOTARY, keyIndex));
        institutions.reinstatePractitioner(NOTARY, keyIndex, signatures);
    }

    function reinstate(uint8 keyIndex) internal {
        institutions.reinstatePractitioner(NOTARY, keyIndex, reinstatement(NOTARY, keyIndex, NOTARY_OFFICE, REGULATOR));
    }

    function test_only_keys_that_this_suspension_ended_come_back() public {
        admit(NOTARY, NOTARY_OFFICE, 1, SELF);
        renewPractitioner(NOTARY, "second");
        institutions.suspendPractitioner(NOTARY, suspension(NOTARY, NOTARY_OFFICE));
        refuseReinstatement(2);
        refuseReinstatement(254);
        reinstate(1); // the second key, from here on under index 2
        assertEq(institutions.member(NOTARY).openKeys, 0x03);
        institutions.revokeKey(NOTARY, 2, 0, revocationBy(NOTARY, "second", 2, 0));
        renewPractitioner(NOTARY, "third"); // index 3
        institutions.suspendPractitioner(NOTARY, suspension(NOTARY, REGULATOR));
        // Ended by the first suspension; the second key has revoked itself since.
        refuseReinstatement(0);
        refuseReinstatement(1);
        refuseReinstatement(2);
        reinstate(3);
        assertEq(institutions.member(NOTARY).openKeys, 0x05);
    }

    function test_a_practitioner_whose_keys_had_ended_comes_back_without_one() public {
        admit(NOTARY, NOTARY_OFFICE, 1, SELF);
        revoke(NOTARY);
        institutions.suspendPractitioner(NOTARY, suspension(NOTARY, NOTARY_OFFICE));
        refuseReinstatement(0);
        IInstitutions.NewKey memory k = newKey(NOTARY, "second");
        bytes memory signatures = two(keyActBytes(5, k), NOTARY_OFFICE, REGULATOR);
        refuseRenewal(
            k, signatures, proof(k, "second", 1), abi.encodeWithSelector(IInstitutions.MemberStatus.selector, NOTARY, 2)
        );
        reinstate(255);
        assertEq(institutions.member(NOTARY).openKeys, 0);
        assertEq(institutions.member(NOTARY).status, 1);
        assertEq(institutions.member(NOTARY).keyCount, 1);
        // What was signed before the reinstatement, under the same index, is void.
        refuseRenewal(
            k,
            signatures,
            proof(k, "second", 1),
            abi.encodeWithSelector(SignedMessages.SignatureInvalid.selector, NOTARY_OFFICE, 0)
        );
        renewPractitioner(NOTARY, "second");
        assertEq(institutions.member(NOTARY).openKeys, 0x02);
    }

    function test_a_reinstated_key_keeps_its_date_of_compromise() public {
        admit(NOTARY, NOTARY_OFFICE, 1, SELF);
        execute(compromisedAction(NOTARY, 0, uint48(START - 1)));
        institutions.suspendPractitioner(NOTARY, suspension(NOTARY, NOTARY_OFFICE));
        reinstate(0);
        (bytes32 z,,) = keyOf(NOTARY);
        assertEq(
            institutions.keyRecord(z, 1),
            periodWord(NOTARY, NOTARY_OFFICE, 1, 1, [uint48(START), type(uint48).max, uint48(START - 1)], 0)
        );
    }

    // Tables and views

    function test_anyone_adds_the_table_of_a_key_once() public {
        admit(NOTARY, NOTARY_OFFICE, 1, SELF);
        (bytes32 z, uint256 x, uint256 y) = keyOf(NOTARY);
        (, address before,,) = institutions.keyOf(NOTARY, 0);
        uint256 start = gasleft();
        vm.prank(address(0xa10e));
        institutions.addTable(NOTARY, 0);
        assertLt(start - gasleft() + 21_000 + 1_000, 3_800_000);
        (bytes32 sameZ, address key, bytes32 word, bool active) = institutions.keyOf(NOTARY, 0);
        assertNotEq(key, before);
        assertEq(key.code.length, 97 + 16_384);
        assertEq(sameZ, z);
        assertEq(word, institutions.keyRecord(z, 0));
        assertTrue(active);
        (bytes32 z1, uint256 x1, uint256 y1,) = institutions.keyAt(NOTARY, 0);
        assertEq(abi.encode(z1, x1, y1), abi.encode(z, x, y));
        vm.expectRevert(abi.encodeWithSelector(IInstitutions.KeyTablePresent.selector, NOTARY, 0));
        institutions.addTable(NOTARY, 0);
        vm.expectRevert(abi.encodeWithSelector(KeyRecords.KeyUnknown.selector, NOTARY, 1));
        institutions.addTable(NOTARY, 1);
        // It signs as before.
        revoke(NOTARY);
    }

    function test_a_recovery_key_has_a_table_too() public {
        registerRecovery(PRISON, "vault");
        institutions.addTable(PRISON, RECOVERY);
        vm.expectRevert(abi.encodeWithSelector(IInstitutions.KeyTablePresent.selector, PRISON, RECOVERY));
        institutions.addTable(PRISON, RECOVERY);
        recover(PRISON, "vault", "second");
        // Used up, it is no key any more.
        vm.expectRevert(abi.encodeWithSelector(KeyRecords.KeyUnknown.selector, PRISON, RECOVERY));
        institutions.addTable(PRISON, RECOVERY);
    }

    function test_a_table_is_told_in_an_event_and_stays_with_the_key() public {
        admit(NOTARY, NOTARY_OFFICE, 1, SELF);
        vm.expectEmit(true, false, false, false, address(institutions));
        emit IInstitutions.KeyTableAdded(NOTARY, 0, address(0));
        institutions.addTable(NOTARY, 0);
        institutions.suspendPractitioner(NOTARY, suspension(NOTARY, NOTARY_OFFICE));
        reinstate(0);
        (, address key,,) = institutions.keyOf(NOTARY, 1);
        assertEq(key.code.length, 97 + 16_384);
        vm.expectRevert(abi.encodeWithSelector(IInstitutions.KeyTablePresent.selector, NOTARY, 1));
        institutions.addTable(NOTARY, 1);
    }

    function stored(bytes32 z, uint256 keyIndex, uint256 slot) internal view returns (bytes32) {
        bytes32 inner = keccak256(bytes.concat(z, bytes32(slot)));
        return vm.load(address(institutions), keccak256(bytes.concat(bytes32(keyIndex), inner)));
    }

    function test_periods_lie_where_the_specification_says() public {
        admit(NOTARY, NOTARY_OFFICE, 1, SELF);
        vm.warp(START + 60);
        institutions.suspendPractitioner(NOTARY, suspension(NOTARY, NOTARY_OFFICE));
        vm.warp(START + 120);
        reinstate(0);
        (bytes32 z,,) = keyOf(NOTARY);
        assertEq(stored(z, 0, 0), keyWord(NOTARY, NOTARY_OFFICE, 1, SELF, uint48(START), uint48(START + 60), 2));
        assertEq(
            stored(z, 1, 0), periodWord(NOTARY, NOTARY_OFFICE, 1, 1, [uint48(START + 120), type(uint48).max, 0], 0)
        );
        assertEq(stored(z, 0, 1), cardOf(NOTARY));
        assertEq(stored(z, 1, 1), cardOf(NOTARY));
        assertEq(stored(z, 2, 0), 0);
        assertEq(institutions.keyRecord(z, 0), stored(z, 0, 0));
        assertEq(institutions.identityRoot(z, 1), stored(z, 1, 1));
        (bytes32 other,,) = keyOf(REGULATOR);
        assertEq(stored(other, 0, 0), keyWord(REGULATOR, REGULATOR, 6, SELF, uint48(START), type(uint48).max, 0));
    }

    function test_a_practitioner_hangs_on_its_institution() public {
        admit(NOTARY, NOTARY_OFFICE, 1, SELF);
        admit(APPRAISER, APPRAISERS, 2, SELF);
        execute(suspendAction(APPRAISERS));
        (,, bytes32 word, bool active) = institutions.keyOf(APPRAISER, 0);
        assertTrue(KeyRecords.isOpen(word));
        assertFalse(active);
        (,, word, active) = institutions.keyOf(APPRAISERS, 0);
        assertFalse(KeyRecords.isOpen(word));
        assertFalse(active);
        (,,, active) = institutions.keyOf(NOTARY, 0);
        assertTrue(active);
        execute(reinstateAction(APPRAISERS, 0));
        (,,, active) = institutions.keyOf(APPRAISER, 0);
        assertTrue(active);
        (,, word, active) = institutions.keyOf(APPRAISERS, 0); // an old period of an active institution
        assertFalse(KeyRecords.isOpen(word));
        assertTrue(active);
        execute(removeAction(APPRAISERS));
        (,, word, active) = institutions.keyOf(APPRAISER, 0);
        assertTrue(KeyRecords.isOpen(word));
        assertFalse(active);
    }

    function test_there_is_no_key_where_none_was_registered() public view {
        (bytes32 z, uint256 x, uint256 y, bytes32 word) = institutions.keyAt(999, 0);
        assertEq(z, 0);
        assertEq(x, 0);
        assertEq(y, 0);
        assertEq(word, 0);
        address key;
        bool active;
        (z, key, word, active) = institutions.keyOf(999, 0);
        assertEq(z, 0);
        assertEq(key, address(0));
        assertEq(word, 0);
        assertFalse(active);
        assertEq(institutions.member(999).status, 0);
        assertEq(institutions.holderOf(bytes32(uint256(1))), 0);
    }
}
