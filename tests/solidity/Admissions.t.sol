// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IInstitutions} from "../../contracts/interfaces/IInstitutions.sol";
import {ISm2Keys} from "../../contracts/interfaces/ISm2Keys.sol";
import {KeyRecords} from "../../contracts/libraries/KeyRecords.sol";
import {SignedMessages} from "../../contracts/libraries/SignedMessages.sol";
import {Sm3} from "../../contracts/libraries/Sm3.sol";
import {Members} from "./support/Members.sol";

/// How practitioners are admitted and get further keys (SPEC §5.2).
contract AdmissionsTest is Members {
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
        bytes memory signatures = two(keyActBytes(5, k), NOTARY_OFFICE, REGULATOR);
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

    function test_a_further_key_is_signed_for_as_an_admission_is() public {
        admit(NOTARY, NOTARY_OFFICE, 1, SELF);
        IInstitutions.NewKey memory k = newKey(NOTARY, "second");
        bytes memory good = two(keyActBytes(5, k), NOTARY_OFFICE, REGULATOR);
        bytes memory own = proof(k, "second", 1);
        refuseRenewal(
            k,
            two(keyActBytes(5, k), NOTARY_OFFICE, PRISON),
            own,
            abi.encodeWithSelector(IInstitutions.RegulatorMissing.selector, PRISON, 3)
        );
        refuseRenewal(
            k,
            two(keyActBytes(5, k), APPRAISERS, REGULATOR),
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
            two(keyActBytes(5, k), NOTARY_OFFICE, REGULATOR),
            proof(k, "third", 2),
            abi.encodeWithSelector(IInstitutions.KeysOpen.selector, NOTARY)
        );
    }

    function test_possession_for_another_number_proves_nothing() public {
        admit(NOTARY, NOTARY_OFFICE, 1, SELF);
        IInstitutions.NewKey memory k = newKey(NOTARY, "second");
        bytes memory good = two(keyActBytes(5, k), NOTARY_OFFICE, REGULATOR);
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
        bytes memory good = two(keyActBytes(5, k), NOTARY_OFFICE, REGULATOR);
        refuseRenewal(
            k,
            good,
            proof(k, "beyond", 255),
            abi.encodeWithSelector(IInstitutions.KeyIndexUnexpected.selector, 254, 255)
        );
        institutions.revokeKey(NOTARY, 254, 0, revocationBy(NOTARY, "last", 254, 0));
        assertEq(institutions.member(NOTARY).openKeys, 0);
    }
}
