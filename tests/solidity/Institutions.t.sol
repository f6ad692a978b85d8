// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IInstitutions} from "../../contracts/interfaces/IInstitutions.sol";
import {KeyRecords} from "../../contracts/libraries/KeyRecords.sol";
import {SignedMessages} from "../../contracts/libraries/SignedMessages.sol";
import {Ledger} from "./support/Ledger.sol";

contract InstitutionsTest is Ledger {
    // Admission (SPEC §5.2)

    function refuseAdmission(
        IInstitutions.Admission memory a,
        bytes memory signatures,
        bytes memory own,
        bytes memory reason
    ) internal {
        vm.expectRevert(reason);
        institutions.admitPractitioner(a, signatures, own);
    }

    /// Refused although everyone signed just this.
    function refuseAdmission(IInstitutions.Admission memory a, bytes memory reason) internal {
        refuseAdmission(a, admissionSignatures(a, NOTARY_OFFICE, REGULATOR), possession(a), reason);
    }

    function test_institution_and_regulator_admit_a_practitioner() public {
        vm.warp(START + 60);
        IInstitutions.Admission memory a = admission(NOTARY, NOTARY_OFFICE, 1, HOSTED);
        bytes memory signatures = admissionSignatures(a, NOTARY_OFFICE, REGULATOR);
        bytes memory own = possession(a);
        (bytes32 z,,) = keyOf(NOTARY);
        vm.expectEmit(true, true, true, true, address(institutions));
        emit IInstitutions.KeyRegistered(NOTARY, z, 0, a.x, a.y, HOSTED, uint48(START + 60), a.identityRoot);
        vm.expectEmit(true, true, true, true, address(institutions));
        emit IInstitutions.PractitionerAdmitted(NOTARY, NOTARY_OFFICE, 1, signatures, own);
        vm.prank(address(0xa10e)); // anyone may send it
        institutions.admitPractitioner(a, signatures, own);
        assertEq(
            institutions.keyRecord(z), keyWord(NOTARY, NOTARY_OFFICE, 1, HOSTED, uint48(START + 60), type(uint48).max)
        );
        assertEq(institutions.member(NOTARY).institution, NOTARY_OFFICE);
        assertEq(institutions.member(NOTARY).role, 1);

        refuseAdmission(a, signatures, own, abi.encodeWithSelector(IInstitutions.MemberExists.selector, NOTARY));
    }

    function test_numbers_functions_and_custody_are_in_range() public {
        IInstitutions.Admission memory a = admission(1, NOTARY_OFFICE, 1, SELF);
        refuseAdmission(a, abi.encodeWithSelector(IInstitutions.PractitionerNumber.selector, 1));
        a = admission(0x80000000, NOTARY_OFFICE, 1, SELF); // the mark alone is nobody
        refuseAdmission(a, abi.encodeWithSelector(IInstitutions.PractitionerNumber.selector, 0x80000000));
        a = admission(NOTARY, APPROVER, 1, SELF);
        refuseAdmission(a, abi.encodeWithSelector(IInstitutions.InstitutionNumber.selector, APPROVER));
        a = admission(NOTARY, NOTARY_OFFICE, 0, SELF);
        refuseAdmission(a, abi.encodeWithSelector(IInstitutions.FunctionUnknown.selector, 0));
        a = admission(NOTARY, NOTARY_OFFICE, 4, SELF);
        refuseAdmission(a, abi.encodeWithSelector(IInstitutions.FunctionUnknown.selector, 4));
        a = admission(NOTARY, NOTARY_OFFICE, 1, 0);
        refuseAdmission(a, abi.encodeWithSelector(IInstitutions.CustodyUnknown.selector, 0));
        a = admission(NOTARY, NOTARY_OFFICE, 1, SELF);
        a.identityRoot = 0;
        refuseAdmission(a, abi.encodeWithSelector(IInstitutions.IdentityRootMissing.selector, NOTARY));
    }

    function test_the_institution_is_one_of_the_two() public {
        IInstitutions.Admission memory a = admission(NOTARY, NOTARY_OFFICE, 1, SELF);
        refuseAdmission(
            a,
            admissionSignatures(a, APPRAISERS, REGULATOR),
            possession(a),
            abi.encodeWithSelector(IInstitutions.AdmittingInstitution.selector, NOTARY_OFFICE, APPRAISERS, REGULATOR)
        );
    }

    function test_a_regulator_is_the_other() public {
        IInstitutions.Admission memory a = admission(NOTARY, NOTARY_OFFICE, 1, SELF);
        refuseAdmission(
            a,
            admissionSignatures(a, NOTARY_OFFICE, PRISON),
            possession(a),
            abi.encodeWithSelector(IInstitutions.RegulatorMissing.selector, PRISON, 3)
        );
        a = admission(NOTARY, REGULATOR, 1, SELF); // a regulator does not count twice
        refuseAdmission(
            a,
            admissionSignatures(a, NOTARY_OFFICE, REGULATOR),
            possession(a),
            abi.encodeWithSelector(IInstitutions.RegulatorMissing.selector, NOTARY_OFFICE, 1)
        );
    }

    function test_two_signatures_ascend_without_roles() public {
        IInstitutions.Admission memory a = admission(NOTARY, NOTARY_OFFICE, 1, SELF);
        bytes memory good = admissionSignatures(a, NOTARY_OFFICE, REGULATOR);
        bytes memory own = possession(a);
        refuseAdmission(
            a,
            admissionSignatures(a, REGULATOR, NOTARY_OFFICE),
            own,
            abi.encodeWithSelector(SignedMessages.SignatureOrder.selector, REGULATOR, NOTARY_OFFICE)
        );
        refuseAdmission(
            a,
            admissionSignatures(a, NOTARY_OFFICE, NOTARY_OFFICE),
            own,
            abi.encodeWithSelector(SignedMessages.SignatureOrder.selector, NOTARY_OFFICE, NOTARY_OFFICE)
        );
        refuseAdmission(a, "", own, abi.encodeWithSelector(SignedMessages.SignatureCount.selector, 2, 0));
        refuseAdmission(
            a, bytes.concat(good, own), own, abi.encodeWithSelector(SignedMessages.SignatureCount.selector, 2, 3)
        );
        refuseAdmission(
            a, new bytes(139), own, abi.encodeWithSelector(SignedMessages.SignatureLength.selector, 140, 139)
        );
        bytes memory changed = bytes.concat(good);
        changed[74] = 0x41;
        refuseAdmission(a, changed, own, abi.encodeWithSelector(SignedMessages.SignatureRole.selector, REGULATOR, 0x41));
        changed = bytes.concat(good);
        changed[75] = 0x07;
        refuseAdmission(a, changed, own, abi.encodeWithSelector(KeyRecords.KeyUnknown.selector, REGULATOR, 7));
        refuseAdmission(
            a, flip(good, 69), own, abi.encodeWithSelector(SignedMessages.SignatureInvalid.selector, NOTARY_OFFICE, 0)
        );
        refuseAdmission(
            a, flip(good, 139), own, abi.encodeWithSelector(SignedMessages.SignatureInvalid.selector, REGULATOR, 0)
        );
        institutions.admitPractitioner(a, good, own);
    }

    function test_nothing_of_a_signed_admission_can_be_changed() public {
        IInstitutions.Admission memory a = admission(NOTARY, NOTARY_OFFICE, 1, SELF);
        bytes memory good = admissionSignatures(a, NOTARY_OFFICE, REGULATOR);
        bytes memory invalid = abi.encodeWithSelector(SignedMessages.SignatureInvalid.selector, NOTARY_OFFICE, 0);
        a.practitionerFunction = 2;
        refuseAdmission(a, good, possession(a), invalid);
        a = admission(NOTARY, NOTARY_OFFICE, 1, HOSTED);
        refuseAdmission(a, good, possession(a), invalid);
        a = admission(NOTARY, NOTARY_OFFICE, 1, SELF);
        a.identityRoot = keccak256("another card");
        refuseAdmission(a, good, possession(a), invalid);
    }

    function test_the_new_key_proves_possession() public {
        IInstitutions.Admission memory a = admission(NOTARY, NOTARY_OFFICE, 1, SELF);
        bytes memory good = admissionSignatures(a, NOTARY_OFFICE, REGULATOR);
        bytes memory own = possession(a);
        refuseAdmission(
            a, good, flip(own, 69), abi.encodeWithSelector(SignedMessages.SignatureInvalid.selector, NOTARY, 0)
        );
        bytes memory changed = bytes.concat(own);
        changed[3] = 0x02;
        refuseAdmission(
            a, good, changed, abi.encodeWithSelector(SignedMessages.SignerUnexpected.selector, NOTARY, APPROVER)
        );
        changed = bytes.concat(own);
        changed[5] = 0x01;
        refuseAdmission(a, good, changed, abi.encodeWithSelector(IInstitutions.KeyIndexUnexpected.selector, 0, 1));
        refuseAdmission(a, good, "", abi.encodeWithSelector(SignedMessages.SignatureCount.selector, 1, 0));
        // Possession of a key for another custody.
        IInstitutions.Admission memory b = admission(NOTARY, NOTARY_OFFICE, 1, HOSTED);
        refuseAdmission(
            a, good, possession(b), abi.encodeWithSelector(SignedMessages.SignatureInvalid.selector, NOTARY, 0)
        );
    }

    function test_a_key_is_registered_once_for_ever() public {
        admit(NOTARY, NOTARY_OFFICE, 1, SELF);
        institutions.revokeKey(NOTARY, 0, revocation(NOTARY));
        IInstitutions.Admission memory a = admission(NOTARY, NOTARY_OFFICE, 1, SELF);
        a.number = APPROVER;
        (bytes32 z,,) = keyOf(NOTARY);
        refuseAdmission(a, abi.encodeWithSelector(IInstitutions.KeyInUse.selector, z));
        a.y ^= 1;
        refuseAdmission(a, abi.encodeWithSelector(IInstitutions.KeyInvalid.selector, a.x, a.y));
    }

    function test_a_regulator_whose_key_ended_admits_nobody() public {
        institutions.revokeKey(REGULATOR, 0, revocation(REGULATOR));
        refuseAdmission(
            admission(NOTARY, NOTARY_OFFICE, 1, SELF),
            abi.encodeWithSelector(KeyRecords.KeyNotValid.selector, REGULATOR, 0, block.timestamp)
        );
    }

    // Ends (SPEC §5.2, §5.3)

    function test_a_key_revokes_itself_once() public {
        admit(NOTARY, NOTARY_OFFICE, 1, SELF);
        vm.warp(START + 60);
        bytes memory signature = revocation(NOTARY);
        (bytes32 z,,) = keyOf(NOTARY);
        vm.expectEmit(true, true, true, true, address(institutions));
        emit IInstitutions.KeyEnded(NOTARY, z, 0, uint48(START + 60), signature);
        institutions.revokeKey(NOTARY, 0, signature);
        assertEq(institutions.keyRecord(z), keyWord(NOTARY, NOTARY_OFFICE, 1, SELF, uint48(START), uint48(START + 60)));
        vm.warp(START + 120);
        vm.expectRevert(abi.encodeWithSelector(KeyRecords.KeyNotValid.selector, NOTARY, 0, START + 60));
        institutions.revokeKey(NOTARY, 0, signature);
    }

    function test_only_the_key_itself_revokes() public {
        bytes memory good = revocation(NOTARY_OFFICE);
        bytes memory others = revocation(REGULATOR);
        vm.expectRevert(abi.encodeWithSelector(SignedMessages.SignerUnexpected.selector, NOTARY_OFFICE, REGULATOR));
        institutions.revokeKey(NOTARY_OFFICE, 0, others);
        vm.expectRevert(abi.encodeWithSelector(IInstitutions.KeyIndexUnexpected.selector, 1, 0));
        institutions.revokeKey(NOTARY_OFFICE, 1, good);
        bytes memory changed = bytes.concat(good);
        changed[5] = 0x01;
        vm.expectRevert(abi.encodeWithSelector(KeyRecords.KeyUnknown.selector, NOTARY_OFFICE, 1));
        institutions.revokeKey(NOTARY_OFFICE, 1, changed);
        vm.expectRevert(abi.encodeWithSelector(SignedMessages.SignatureInvalid.selector, NOTARY_OFFICE, 0));
        institutions.revokeKey(NOTARY_OFFICE, 0, flip(good, 33));
        changed = bytes.concat(good);
        changed[4] = 0x80;
        vm.expectRevert(abi.encodeWithSelector(SignedMessages.SignatureRole.selector, NOTARY_OFFICE, 0x80));
        institutions.revokeKey(NOTARY_OFFICE, 0, changed);
        institutions.revokeKey(NOTARY_OFFICE, 0, good);
    }

    function test_the_institution_suspends_its_practitioner_once() public {
        admit(NOTARY, NOTARY_OFFICE, 1, SELF);
        vm.warp(START + 60);
        bytes memory signature = suspension(NOTARY, NOTARY_OFFICE);
        (bytes32 z,,) = keyOf(NOTARY);
        vm.expectEmit(true, true, true, true, address(institutions));
        emit IInstitutions.PractitionerSuspended(NOTARY, signature);
        vm.expectEmit(true, true, true, true, address(institutions));
        emit IInstitutions.KeyEnded(NOTARY, z, 0, uint48(START + 60), "");
        institutions.suspendPractitioner(NOTARY, signature);
        assertEq(institutions.member(NOTARY).status, 2);
        assertEq(institutions.keyRecord(z), keyWord(NOTARY, NOTARY_OFFICE, 1, SELF, uint48(START), uint48(START + 60)));
        vm.expectRevert(abi.encodeWithSelector(IInstitutions.MemberSuspended.selector, NOTARY));
        institutions.suspendPractitioner(NOTARY, signature);
    }

    function test_suspending_leaves_an_earlier_end_where_it_is() public {
        admit(NOTARY, NOTARY_OFFICE, 1, SELF);
        institutions.revokeKey(NOTARY, 0, revocation(NOTARY));
        vm.warp(START + 60);
        institutions.suspendPractitioner(NOTARY, suspension(NOTARY, NOTARY_OFFICE));
        (bytes32 z,,) = keyOf(NOTARY);
        assertEq(institutions.keyRecord(z), keyWord(NOTARY, NOTARY_OFFICE, 1, SELF, uint48(START), uint48(START)));
    }

    function test_nobody_else_suspends() public {
        admit(NOTARY, NOTARY_OFFICE, 1, SELF);
        bytes memory others = suspension(NOTARY, APPRAISERS);
        vm.expectRevert(abi.encodeWithSelector(SignedMessages.SignerUnexpected.selector, NOTARY_OFFICE, APPRAISERS));
        institutions.suspendPractitioner(NOTARY, others);
        bytes memory good = suspension(NOTARY, NOTARY_OFFICE);
        vm.expectRevert(abi.encodeWithSelector(SignedMessages.SignatureInvalid.selector, NOTARY_OFFICE, 0));
        institutions.suspendPractitioner(NOTARY, flip(good, 20));
        vm.expectRevert(abi.encodeWithSelector(IInstitutions.MemberUnknown.selector, APPROVER));
        institutions.suspendPractitioner(APPROVER, good);
        vm.expectRevert(abi.encodeWithSelector(IInstitutions.PractitionerNumber.selector, PRISON));
        institutions.suspendPractitioner(PRISON, good);
        institutions.suspendPractitioner(NOTARY, good);
    }

    function test_there_is_no_key_where_none_was_registered() public view {
        (bytes32 z, uint256 x, uint256 y, bytes32 word) = institutions.keyAt(999, 0);
        assertEq(z, 0);
        assertEq(x, 0);
        assertEq(y, 0);
        assertEq(word, 0);
        assertEq(institutions.member(999).status, 0);
    }
}
