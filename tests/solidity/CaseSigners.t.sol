// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ICaseRegistry} from "../../contracts/interfaces/ICaseRegistry.sol";
import {KeyRecords} from "../../contracts/libraries/KeyRecords.sol";
import {SignedMessages} from "../../contracts/libraries/SignedMessages.sol";
import {Sm3} from "../../contracts/libraries/Sm3.sol";
import {Cases} from "./support/Cases.sol";

/// Who signs a statement, and with what.
contract CaseSignersTest is Cases {
    // Signers (SPEC §2.3, §2.4, §8.2)

    function test_signatures_come_whole_and_in_the_right_number() public {
        Claim memory c = opening();
        bytes memory good = signed(c, NOTARY_OFFICE, SEAL);
        refuse(c, bytes.concat(good, hex"00"), reason(SignedMessages.SignatureLength.selector, 70, 71));
        refuse(c, "", reason(SignedMessages.SignatureCount.selector, 1, 0));
        refuse(c, bytes.concat(good, good), reason(SignedMessages.SignatureCount.selector, 1, 2));
    }

    function test_signers_ascend() public {
        open();
        Claim memory c = next(TWO);
        refuse(
            c,
            signed(c, APPROVER, APPROVES, NOTARY, HANDLES),
            reason(SignedMessages.SignatureOrder.selector, APPROVER, NOTARY)
        );
        refuse(
            c,
            signed(c, NOTARY, HANDLES, NOTARY, APPROVES),
            reason(SignedMessages.SignatureOrder.selector, NOTARY, NOTARY)
        );
    }

    function test_roles_are_those_of_the_slots() public {
        open();
        Claim memory c = next(TWO);
        refuse(
            c,
            signed(c, NOTARY, HANDLES, APPROVER, HANDLES),
            reason(SignedMessages.SignatureRole.selector, APPROVER, HANDLES)
        );
        c = next(ACCEPT);
        refuse(c, signed(c, NOTARY, 0xff), reason(SignedMessages.SignatureRole.selector, NOTARY, 0xff));
        step(TWO, NOTARY, APPROVES, APPROVER, HANDLES); // slots are taken by role, not by place
        assertEq(registry.caseOf(caseId).handlers[2], APPROVER);
        assertEq(registry.caseOf(caseId).handlers[7], NOTARY);
    }

    function test_a_seal_is_the_institutions_own() public {
        Claim memory c = opening();
        refuse(
            c,
            signed(c, APPRAISERS, SEAL),
            reason(ICaseRegistry.SignerNotInstitution.selector, NOTARY_OFFICE, APPRAISERS)
        );
        refuse(c, signed(c, NOTARY, SEAL), reason(ICaseRegistry.SignerNotInstitution.selector, NOTARY_OFFICE, NOTARY));
    }

    function test_a_persons_role_is_a_persons() public {
        open();
        Claim memory c = next(ACCEPT);
        refuse(
            c, signed(c, NOTARY_OFFICE, HANDLES), reason(ICaseRegistry.SignerNotPractitioner.selector, NOTARY_OFFICE)
        );
    }

    function test_a_person_belongs_to_the_side() public {
        open();
        Claim memory c = next(ACCEPT);
        refuse(
            c,
            signed(c, APPRAISER, HANDLES),
            reason(ICaseRegistry.PractitionerInstitution.selector, NOTARY_OFFICE, APPRAISERS)
        );
    }

    function test_a_person_has_the_function_asked_for() public {
        open();
        Claim memory c = next(ACCEPT);
        refuse(c, signed(c, OFFICER, HANDLES), reason(ICaseRegistry.PractitionerFunction.selector, 1, 3));
    }

    function test_an_institution_has_the_role_asked_for() public {
        Claim memory c = opening();
        c.institution = PRISON;
        c.caseId = bytes32(uint256(PRISON) << 224);
        refuse(c, signed(c, PRISON, SEAL), reason(ICaseRegistry.InstitutionRole.selector, 1, 3));
    }

    function test_the_counterparty_signs_for_its_side() public {
        open();
        Claim memory c = next(AGREE);
        refuse(
            c,
            signed(c, NOTARY_OFFICE, SEAL, APPRAISERS, OTHER_SEAL),
            // The notary office comes first and signs for itself; only then is the other side missed.
            reason(ICaseRegistry.CounterpartyMissing.selector, AGREE)
        );
        c.counterparty = PRISON;
        refuse(
            c, signed(c, NOTARY_OFFICE, SEAL, PRISON, OTHER_SEAL), reason(ICaseRegistry.InstitutionRole.selector, 2, 3)
        );
        c.counterparty = APPRAISERS;
        registry.record(pack(c), signed(c, NOTARY_OFFICE, SEAL, APPRAISERS, OTHER_SEAL));
        assertEq(registry.caseOf(caseId).guests[0], APPRAISERS);
    }

    function test_a_person_of_the_counterparty_signs_for_its_side() public {
        open();
        Claim memory c = next(JOINT);
        c.counterparty = APPRAISERS;
        refuse(
            c,
            signed(c, NOTARY_OFFICE, SEAL, NOTARY, OTHER_HANDLES),
            reason(ICaseRegistry.PractitionerInstitution.selector, APPRAISERS, NOTARY_OFFICE)
        );
        registry.record(pack(c), signed(c, NOTARY_OFFICE, SEAL, APPRAISER, OTHER_HANDLES));
        assertEq(registry.caseOf(caseId).handlers[3], APPRAISER);
    }

    function test_an_unknown_key_is_refused() public {
        Claim memory c = opening();
        bytes memory signatures = signed(c, NOTARY_OFFICE, SEAL);
        signatures[5] = 0x01;
        refuse(c, signatures, reason(KeyRecords.KeyUnknown.selector, NOTARY_OFFICE, 1));
    }

    function test_a_key_signs_nothing_from_its_end_on() public {
        Claim memory c = opening();
        revoke(NOTARY_OFFICE);
        refuse(
            c,
            signed(c, NOTARY_OFFICE, SEAL),
            abi.encodeWithSelector(KeyRecords.KeyNotValid.selector, NOTARY_OFFICE, 0, block.timestamp)
        );
    }

    function test_a_suspended_person_signs_nothing() public {
        open();
        institutions.suspendPractitioner(NOTARY, suspension(NOTARY, NOTARY_OFFICE));
        Claim memory c = next(ACCEPT);
        refuse(
            c,
            signed(c, NOTARY, HANDLES),
            abi.encodeWithSelector(KeyRecords.KeyNotValid.selector, NOTARY, 0, block.timestamp)
        );
    }

    function test_handlers_are_distinct_persons() public {
        open();
        step(ACCEPT, NOTARY, HANDLES);
        Claim memory c = next(APPROVE);
        refuse(c, signed(c, NOTARY, APPROVES), reason(ICaseRegistry.HandlerNotDistinct.selector, 1, NOTARY));
        step(MOVE, APPROVER, HANDLES); // another person takes over
        assertEq(registry.caseOf(caseId).handlers[0], APPROVER);
        c = next(MOVE);
        refuse(c, signed(c, APPROVER, HANDLES), reason(ICaseRegistry.HandlerNotDistinct.selector, 1, APPROVER));
        step(MOVE, NOTARY, HANDLES);
    }

    function test_two_persons_are_not_hosted_keys_alone() public {
        open();
        Claim memory c = next(TWO);
        refuse(
            c, signed(c, HOSTED_ONE, HANDLES, HOSTED_TWO, APPROVES), reason(ICaseRegistry.HostedKeysAlone.selector, 2)
        );
        step(TWO, APPROVER, HANDLES, HOSTED_TWO, APPROVES);
        step(ACCEPT, HOSTED_ONE, HANDLES); // one person alone may be hosted
    }

    // Signatures (SPEC §2.1, §2.2)

    function test_what_is_signed_cannot_be_changed() public {
        Claim memory c = opening();
        bytes memory signatures = signed(c, NOTARY_OFFICE, SEAL);
        bytes memory invalid = reason(SignedMessages.SignatureInvalid.selector, NOTARY_OFFICE, 0);
        c.content = keccak256("other content");
        refuse(c, signatures, invalid);
        c = opening();
        refuse(c, flip(signatures, 37), invalid);
        refuse(c, flip(signatures, 69), invalid);
        c.subject = 0;
        refuse(c, signatures, invalid);
        registry.record(pack(opening()), signatures);
    }

    function test_a_signature_binds_role_count_contract_and_tag() public {
        open();
        Claim memory c = next(TWO);
        bytes32 digest = Sm3.hash(pack(c));
        bytes32 id = registry.contractId();
        bytes memory good = wire(1, HANDLES, 2, NOTARY, id, digest);
        bytes memory invalid = reason(SignedMessages.SignatureInvalid.selector, APPROVER, 0);
        bytes memory other = wire(1, HANDLES, 2, APPROVER, id, digest);
        other[4] = bytes1(APPROVES); // signed as another role
        refuse(c, bytes.concat(good, other), invalid);
        refuse(c, bytes.concat(good, wire(1, APPROVES, 1, APPROVER, id, digest)), invalid);
        refuse(c, bytes.concat(good, wire(5, APPROVES, 2, APPROVER, id, digest)), invalid);
        bytes32 elsewhere = institutions.contractId();
        refuse(c, bytes.concat(good, wire(1, APPROVES, 2, APPROVER, elsewhere, digest)), invalid);
        registry.record(pack(c), bytes.concat(good, wire(1, APPROVES, 2, APPROVER, id, digest)));
    }

    function test_the_second_signature_is_checked_as_well() public {
        open();
        Claim memory c = next(TWO);
        bytes memory signatures = signed(c, NOTARY, HANDLES, APPROVER, APPROVES);
        refuse(c, flip(signatures, 120), reason(SignedMessages.SignatureInvalid.selector, APPROVER, 0));
        refuse(c, flip(signatures, 30), reason(SignedMessages.SignatureInvalid.selector, NOTARY, 0));
        registry.record(pack(c), signatures);
    }

    function testFuzz_no_byte_can_be_changed(uint256 at, uint8 change) public {
        Claim memory c = opening();
        bytes memory signatures = signed(c, NOTARY_OFFICE, SEAL);
        bytes memory statement = pack(c);
        at %= statement.length + signatures.length;
        if (change == 0) change = 1;
        if (at < statement.length) statement[at] = bytes1(uint8(statement[at]) ^ change);
        else signatures[at - statement.length] = bytes1(uint8(signatures[at - statement.length]) ^ change);
        vm.expectRevert();
        registry.record(statement, signatures);
    }
}
