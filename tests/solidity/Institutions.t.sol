// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IInstitutions} from "../../contracts/interfaces/IInstitutions.sol";
import {ISm2Keys} from "../../contracts/interfaces/ISm2Keys.sol";
import {KeyRecords} from "../../contracts/libraries/KeyRecords.sol";
import {SignedMessages} from "../../contracts/libraries/SignedMessages.sol";
import {Sm3} from "../../contracts/libraries/Sm3.sol";
import {Members} from "./support/Members.sol";

/// What institutions, regulators and keys do by themselves (SPEC §5.2).
contract InstitutionsTest is Members {
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
        emit IInstitutions.KeyRegistered(NOTARY, z, 0, a.x, a.y, HOSTED, uint48(START + 60), a.identityRoot, own);
        vm.expectEmit(true, true, true, true, address(institutions));
        emit IInstitutions.PractitionerAdmitted(NOTARY, NOTARY_OFFICE, 1, signatures);
        vm.prank(address(0xa10e)); // anyone may send it
        institutions.admitPractitioner(a, signatures, own);
        assertEq(
            institutions.keyRecord(z, 0),
            keyWord(NOTARY, NOTARY_OFFICE, 1, HOSTED, uint48(START + 60), type(uint48).max, 0)
        );
        assertFalse(institutions.member(NOTARY).voter);
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
        a = admission(NOTARY, NOTARY_OFFICE, 5, SELF);
        refuseAdmission(a, abi.encodeWithSelector(IInstitutions.FunctionUnknown.selector, 5));
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
        revoke(NOTARY);
        IInstitutions.Admission memory a = admission(NOTARY, NOTARY_OFFICE, 1, SELF);
        a.number = APPROVER;
        (bytes32 z,,) = keyOf(NOTARY);
        refuseAdmission(a, abi.encodeWithSelector(IInstitutions.KeyInUse.selector, z));
        a.y ^= 1;
        refuseAdmission(a, abi.encodeWithSelector(ISm2Keys.KeyInvalid.selector, a.x, a.y));
    }

    function test_a_regulator_whose_key_ended_admits_nobody() public {
        revoke(REGULATOR);
        refuseAdmission(
            admission(NOTARY, NOTARY_OFFICE, 1, SELF),
            abi.encodeWithSelector(KeyRecords.KeyNotValid.selector, REGULATOR, 0, block.timestamp)
        );
    }

    function test_an_association_admits_in_place_of_a_regulator() public {
        admitInstitution(107, 7, 0);
        IInstitutions.Admission memory a = admission(NOTARY, NOTARY_OFFICE, 4, SELF);
        institutions.admitPractitioner(a, admissionSignatures(a, NOTARY_OFFICE, 107), possession(a));
        // A regulator and an association admit for each other.
        a = admission(APPROVER, REGULATOR, 1, SELF);
        institutions.admitPractitioner(a, admissionSignatures(a, REGULATOR, 107), possession(a));
        assertEq(institutions.member(APPROVER).institution, REGULATOR);
    }

    function test_an_admission_is_used_once_and_in_one_ledger() public {
        IInstitutions.Admission memory a = admission(NOTARY, NOTARY_OFFICE, 1, SELF);
        bytes memory good = admissionSignatures(a, NOTARY_OFFICE, REGULATOR);
        bytes memory own = possession(a);
        institutions = found(THRESHOLD, founders());
        refuseAdmission(
            a, good, own, abi.encodeWithSelector(SignedMessages.SignatureInvalid.selector, NOTARY_OFFICE, 0)
        );
    }

    // Further keys

    function test_a_practitioner_gets_a_further_key() public {
        admit(NOTARY, NOTARY_OFFICE, 1, SELF);
        vm.warp(START + 60);
        IInstitutions.NewKey memory k = newKey(NOTARY, "second");
        bytes memory signatures = two(newKeyBytes(5, k), NOTARY_OFFICE, REGULATOR);
        bytes memory own = proof(k, "second", 1);
        bytes32 z = zOf(NOTARY, "second");
        vm.expectEmit(true, true, true, true, address(institutions));
        emit IInstitutions.KeyRegistered(NOTARY, z, 1, k.x, k.y, SELF, uint48(START + 60), k.identityRoot, own);
        vm.expectEmit(true, true, true, true, address(institutions));
        emit IInstitutions.PractitionerKeyRenewed(NOTARY, 1, signatures);
        institutions.renewPractitionerKey(k, signatures, own);
        assertEq(
            institutions.keyRecord(z, 1),
            periodWord(NOTARY, NOTARY_OFFICE, 1, 1, [uint48(START + 60), type(uint48).max, 0], 0)
        );
        assertEq(institutions.identityRoot(z, 1), k.identityRoot);
        assertEq(institutions.keyRecord(z, 0), 0);
        assertEq(institutions.member(NOTARY).keyCount, 2);
        assertEq(institutions.member(NOTARY).openKeys, 0x0102);
    }

    function refuseRenewal(IInstitutions.NewKey memory k, bytes memory signatures, bytes memory own, bytes memory why)
        internal
    {
        vm.expectRevert(why);
        institutions.renewPractitionerKey(k, signatures, own);
    }

    function test_a_further_key_is_signed_for_as_an_admission_is() public {
        admit(NOTARY, NOTARY_OFFICE, 1, SELF);
        IInstitutions.NewKey memory k = newKey(NOTARY, "second");
        bytes memory good = two(newKeyBytes(5, k), NOTARY_OFFICE, REGULATOR);
        bytes memory own = proof(k, "second", 1);
        refuseRenewal(
            k,
            two(newKeyBytes(5, k), NOTARY_OFFICE, PRISON),
            own,
            abi.encodeWithSelector(IInstitutions.RegulatorMissing.selector, PRISON, 3)
        );
        refuseRenewal(
            k,
            two(newKeyBytes(5, k), APPRAISERS, REGULATOR),
            own,
            abi.encodeWithSelector(IInstitutions.AdmittingInstitution.selector, NOTARY_OFFICE, APPRAISERS, REGULATOR)
        );
        refuseRenewal(
            k, good, proof(k, "second", 0), abi.encodeWithSelector(IInstitutions.KeyIndexUnexpected.selector, 1, 0)
        );
        refuseRenewal(
            k, good, proof(k, "third", 1), abi.encodeWithSelector(SignedMessages.SignatureInvalid.selector, NOTARY, 1)
        );
        refuseRenewal(
            newKey(PRISON, "second"),
            good,
            own,
            abi.encodeWithSelector(IInstitutions.PractitionerNumber.selector, PRISON)
        );
        refuseRenewal(
            newKey(APPROVER, "second"),
            good,
            own,
            abi.encodeWithSelector(IInstitutions.MemberUnknown.selector, APPROVER)
        );
        IInstitutions.NewKey memory changed = newKey(NOTARY, "second");
        changed.identityRoot = keccak256("another card");
        refuseRenewal(
            changed, good, own, abi.encodeWithSelector(SignedMessages.SignatureInvalid.selector, NOTARY_OFFICE, 0)
        );
        institutions.renewPractitionerKey(k, good, own);
        bytes32 z = zOf(NOTARY, "second");
        refuseRenewal(k, good, proof(k, "second", 2), abi.encodeWithSelector(IInstitutions.KeyInUse.selector, z));
        k = newKey(NOTARY, "third");
        refuseRenewal(
            k,
            two(newKeyBytes(5, k), NOTARY_OFFICE, REGULATOR),
            proof(k, "third", 2),
            abi.encodeWithSelector(IInstitutions.KeysOpen.selector, NOTARY)
        );
    }

    function test_possession_for_another_number_proves_nothing() public {
        admit(NOTARY, NOTARY_OFFICE, 1, SELF);
        IInstitutions.NewKey memory k = newKey(NOTARY, "second");
        bytes memory good = two(newKeyBytes(5, k), NOTARY_OFFICE, REGULATOR);
        // The same key, proven for another number, under either number.
        IInstitutions.NewKey memory other = newKey(NOTARY, "second");
        other.number = APPROVER;
        bytes32 digest = Sm3.hash(abi.encodePacked(other.number, other.x, other.y, other.custody));
        uint256 d = privateKey(NOTARY, "second");
        refuseRenewal(
            k,
            good,
            wireBy(d, 1, 6, 1, APPROVER, digest),
            abi.encodeWithSelector(SignedMessages.SignerUnexpected.selector, NOTARY, APPROVER)
        );
        refuseRenewal(
            k,
            good,
            wireBy(d, 1, 6, 1, NOTARY, digest),
            abi.encodeWithSelector(SignedMessages.SignatureInvalid.selector, NOTARY, 1)
        );
        // A decision's tag proves no possession.
        digest = Sm3.hash(abi.encodePacked(k.number, k.x, k.y, k.custody));
        refuseRenewal(
            k,
            good,
            wireBy(d, 1, 5, 1, NOTARY, digest),
            abi.encodeWithSelector(SignedMessages.SignatureInvalid.selector, NOTARY, 1)
        );
    }

    function test_key_indexes_end_at_254() public {
        admit(NOTARY, NOTARY_OFFICE, 1, SELF);
        // 254 suspensions with as many reinstatements are the quickest way there; the last index is set directly.
        IInstitutions.Member memory m = institutions.member(NOTARY);
        bytes32 slot = keccak256(abi.encode(uint256(NOTARY), uint256(3)));
        uint256 word = uint256(vm.load(address(institutions), slot));
        assertEq(uint8(word >> 56), m.keyCount);
        vm.store(address(institutions), slot, bytes32(word & ~(uint256(0xff) << 56) | uint256(254) << 56));
        renewPractitioner(NOTARY, "last");
        assertEq(institutions.member(NOTARY).openKeys, 0x01ff);
        revoke(NOTARY);
        IInstitutions.NewKey memory k = newKey(NOTARY, "beyond");
        bytes memory good = two(newKeyBytes(5, k), NOTARY_OFFICE, REGULATOR);
        refuseRenewal(
            k,
            good,
            proof(k, "beyond", 255),
            abi.encodeWithSelector(IInstitutions.KeyIndexUnexpected.selector, 254, 255)
        );
        institutions.revokeKey(NOTARY, 254, 0, revocationBy(NOTARY, "last", 254, 0));
        assertEq(institutions.member(NOTARY).openKeys, 0);
    }

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
        bytes memory signatures = two(newKeyBytes(5, k), NOTARY_OFFICE, REGULATOR);
        refuseRenewal(
            k, signatures, proof(k, "second", 1), abi.encodeWithSelector(IInstitutions.MemberStatus.selector, NOTARY, 2)
        );
        reinstate(255);
        assertEq(institutions.member(NOTARY).openKeys, 0);
        assertEq(institutions.member(NOTARY).status, 1);
        assertEq(institutions.member(NOTARY).keyCount, 1);
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
