// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {CaseRegistry} from "../../contracts/CaseRegistry.sol";
import {ICaseRegistry} from "../../contracts/interfaces/ICaseRegistry.sol";
import {IInstitutions} from "../../contracts/interfaces/IInstitutions.sol";
import {Institutions} from "../../contracts/Institutions.sol";
import {KeyRecords} from "../../contracts/libraries/KeyRecords.sol";
import {SignedMessages} from "../../contracts/libraries/SignedMessages.sol";
import {Sm3} from "../../contracts/libraries/Sm3.sol";
import {Cases} from "./support/Cases.sol";
import {Tables} from "./support/Tables.sol";

/// What was signed for one place counts in no other one: contract, chain, ledger, action (SPEC §2.2, §2.5).
contract ReplayTest is Cases {
    function invalid(uint32 signer) private pure returns (bytes memory) {
        return abi.encodeWithSelector(SignedMessages.SignatureInvalid.selector, signer, 0);
    }

    function test_a_statement_counts_in_one_registry_of_a_domain() public {
        ICaseRegistry first = registry;
        Claim memory c = opening();
        bytes memory signatures = signed(c, NOTARY_OFFICE, SEAL);
        registry = new CaseRegistry(institutions, DOMAIN, ICaseRegistry(address(0)));
        registerTable(Tables.matter(), 0, FOREVER);
        refuse(c, signatures, invalid(NOTARY_OFFICE));
        first.record(pack(c), signatures);
    }

    function test_a_statement_counts_on_one_chain() public {
        bytes memory code = address(registry).code;
        bytes32 id = registry.contractId();
        Claim memory c = opening();
        bytes memory signatures = signed(c, NOTARY_OFFICE, SEAL);
        uint256 before = vm.snapshotState();
        registry.record(pack(c), signatures);

        vm.revertToState(before);
        vm.chainId(block.chainid + 1);
        registry = _deployAtTheSameAddress();
        assertTrue(registry.contractId() != id);
        assertTrue(keccak256(address(registry).code) != keccak256(code));
        refuse(c, signatures, invalid(NOTARY_OFFICE));
        registry.record(pack(c), signed(c, NOTARY_OFFICE, SEAL));
    }

    /// The constructor runs in place of the registry that is there; its storage, with the tables, stays.
    function _deployAtTheSameAddress() private returns (CaseRegistry) {
        address where = address(registry);
        deployCodeTo("CaseRegistry.sol:CaseRegistry", abi.encode(institutions, DOMAIN, address(0)), where);
        return CaseRegistry(where);
    }

    function test_decisions_and_possession_count_in_one_ledger() public {
        IInstitutions.Admission memory a = admission(0x80000010, NOTARY_OFFICE, 1, SELF);
        bytes memory signatures = admissionSignatures(a, NOTARY_OFFICE, REGULATOR);
        bytes memory own = possession(a);
        bytes memory end = revocation(NOTARY_OFFICE);
        Institutions first = institutions;
        institutions = found(THRESHOLD, founders());
        assertTrue(institutions.contractId() != first.contractId());
        vm.expectRevert(invalid(NOTARY_OFFICE));
        institutions.admitPractitioner(a, signatures, own);
        vm.expectRevert(invalid(NOTARY_OFFICE));
        institutions.revokeKey(NOTARY_OFFICE, 0, 0, end);
        signatures = admissionSignatures(a, NOTARY_OFFICE, REGULATOR);
        vm.expectRevert(invalid(0x80000010));
        institutions.admitPractitioner(a, signatures, own);
    }

    function test_a_signed_action_is_no_other_action() public {
        bytes32 id = institutions.contractId();
        bytes memory suspends = suspension(NOTARY, NOTARY_OFFICE);
        vm.expectRevert(invalid(NOTARY_OFFICE));
        institutions.suspendPractitioner(APPROVER, suspends);
        vm.expectRevert(invalid(NOTARY_OFFICE));
        institutions.revokeKey(NOTARY_OFFICE, 0, 0, suspends);
        bytes32 digest = Sm3.hash(abi.encodePacked(uint8(3), NOTARY, uint32(0)));
        // Half of a reinstatement is signed as one of two.
        bytes memory half = wire(5, 0, 2, NOTARY_OFFICE, id, digest);
        vm.expectRevert(invalid(NOTARY_OFFICE));
        institutions.suspendPractitioner(NOTARY, half);
        // A proof of possession or a statement of the same digest is no decision.
        for (uint8 tag = 1; tag <= 9; ++tag) {
            if (tag == 5) continue;
            bytes memory other = wire(tag, 0, 1, NOTARY_OFFICE, id, digest);
            vm.expectRevert(invalid(NOTARY_OFFICE));
            institutions.suspendPractitioner(NOTARY, other);
        }
        institutions.suspendPractitioner(NOTARY, suspends);
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
