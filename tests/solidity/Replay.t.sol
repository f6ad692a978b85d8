// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {CaseRegistry} from "../../contracts/CaseRegistry.sol";
import {IInstitutions} from "../../contracts/interfaces/IInstitutions.sol";
import {Institutions} from "../../contracts/Institutions.sol";
import {KeyRecords} from "../../contracts/libraries/KeyRecords.sol";
import {SignedMessages} from "../../contracts/libraries/SignedMessages.sol";
import {Sm3} from "../../contracts/libraries/Sm3.sol";
import {Cases} from "./support/Cases.sol";

/// What was signed for one place counts in no other one: contract, chain, ledger, action (SPEC §2.2, §2.5).
contract ReplayTest is Cases {
    function invalid(uint32 signer) private pure returns (bytes memory) {
        return abi.encodeWithSelector(SignedMessages.SignatureInvalid.selector, signer, 0);
    }

    function test_a_statement_counts_in_one_registry_of_a_domain() public {
        bytes[] memory tables = new bytes[](1);
        tables[0] = table();
        CaseRegistry twin = new CaseRegistry(institutions, DOMAIN, tables);
        Claim memory c = opening();
        bytes memory signatures = signed(c, NOTARY_OFFICE, SEAL);
        vm.expectRevert(invalid(NOTARY_OFFICE));
        twin.record(pack(c), signatures);
        registry.record(pack(c), signatures);
    }

    function test_a_statement_counts_on_one_chain() public {
        uint256 before = vm.snapshotState();
        registry = _deployAtTheSameAddress();
        bytes32 id = registry.contractId();
        Claim memory c = opening();
        bytes memory signatures = signed(c, NOTARY_OFFICE, SEAL);
        registry.record(pack(c), signatures);

        vm.revertToState(before);
        vm.chainId(block.chainid + 1);
        registry = _deployAtTheSameAddress();
        assertTrue(registry.contractId() != id);
        vm.expectRevert(invalid(NOTARY_OFFICE));
        registry.record(pack(c), signatures);
        registry.record(pack(c), signed(c, NOTARY_OFFICE, SEAL));
    }

    function _deployAtTheSameAddress() private returns (CaseRegistry) {
        bytes[] memory tables = new bytes[](1);
        tables[0] = table();
        address where = address(0x5a3e);
        deployCodeTo("CaseRegistry.sol:CaseRegistry", abi.encode(institutions, DOMAIN, tables), where);
        return CaseRegistry(where);
    }

    function test_decisions_and_possession_count_in_one_ledger() public {
        IInstitutions.Admission memory a = admission(0x80000010, NOTARY_OFFICE, 1, SELF);
        bytes memory signatures = admissionSignatures(a, NOTARY_OFFICE, REGULATOR);
        bytes memory own = possession(a);
        bytes memory end = revocation(NOTARY_OFFICE);
        Institutions first = institutions;
        institutions = found(1, founders());
        vm.expectRevert(invalid(NOTARY_OFFICE));
        institutions.admitPractitioner(a, signatures, own);
        bytes memory again = admissionSignatures(a, NOTARY_OFFICE, REGULATOR);
        vm.expectRevert(invalid(a.number));
        institutions.admitPractitioner(a, again, own);
        vm.expectRevert(invalid(NOTARY_OFFICE));
        institutions.revokeKey(NOTARY_OFFICE, 0, end);
        first.admitPractitioner(a, signatures, own);
        first.revokeKey(NOTARY_OFFICE, 0, end);
    }

    function test_a_signature_under_one_action_is_none_under_another() public {
        bytes32 id = institutions.contractId();
        bytes memory suspends = suspension(NOTARY, NOTARY_OFFICE);
        vm.expectRevert(invalid(NOTARY_OFFICE));
        institutions.suspendPractitioner(APPROVER, suspends);
        vm.expectRevert(invalid(NOTARY_OFFICE));
        institutions.revokeKey(NOTARY_OFFICE, 0, suspends);
        // Half of an admission is signed as one of two.
        bytes memory half = wire(5, 0, 2, NOTARY_OFFICE, id, Sm3.hash(abi.encodePacked(uint8(3), NOTARY)));
        vm.expectRevert(invalid(NOTARY_OFFICE));
        institutions.suspendPractitioner(NOTARY, half);
        // A proof of possession or a statement of the same digest is no decision.
        for (uint8 tag = 1; tag <= 9; ++tag) {
            if (tag == 5) continue;
            bytes memory other = wire(tag, 0, 1, NOTARY_OFFICE, id, Sm3.hash(abi.encodePacked(uint8(3), NOTARY)));
            vm.expectRevert(invalid(NOTARY_OFFICE));
            institutions.suspendPractitioner(NOTARY, other);
        }
        institutions.suspendPractitioner(NOTARY, suspends);
    }

    function test_a_suspended_practitioner_is_never_admitted_again() public {
        IInstitutions.Admission memory a = admission(NOTARY, NOTARY_OFFICE, 1, SELF);
        bytes memory signatures = admissionSignatures(a, NOTARY_OFFICE, REGULATOR);
        bytes memory own = possession(a);
        institutions.suspendPractitioner(NOTARY, suspension(NOTARY, NOTARY_OFFICE));
        vm.expectRevert(abi.encodeWithSelector(IInstitutions.MemberExists.selector, NOTARY));
        institutions.admitPractitioner(a, signatures, own);
    }

    function test_nobody_signs_as_a_number_that_is_nobodys() public {
        open();
        Claim memory c = next(ACCEPT);
        uint32[2] memory nobody = [uint32(0), 0x80000000];
        for (uint256 i; i < 2; ++i) {
            bytes memory signatures = signed(c, nobody[i], HANDLES);
            vm.expectRevert(abi.encodeWithSelector(KeyRecords.KeyUnknown.selector, nobody[i], 0));
            registry.record(pack(c), signatures);
        }
    }
}
