// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ICaseRegistry} from "../../contracts/interfaces/ICaseRegistry.sol";
import {Sm3} from "../../contracts/libraries/Sm3.sol";
import {Cases} from "./support/Cases.sol";

/// Storage as proofs read it: positions are computed here by the words of SPEC §5.3, §6 and §8.5.
contract StorageTest is Cases {
    function word(address contract_, bytes32 key, uint256 slot, uint256 offset) internal view returns (bytes32) {
        return vm.load(contract_, bytes32(uint256(keccak256(bytes.concat(key, bytes32(slot)))) + offset));
    }

    function test_keys_lie_where_the_specification_says() public {
        vm.warp(START + 60);
        institutions.suspendPractitioner(NOTARY, suspension(NOTARY, NOTARY_OFFICE));
        (bytes32 z,,) = keyOf(NOTARY);
        bytes memory record = abi.encodePacked(
            NOTARY, NOTARY_OFFICE, uint8(1), uint8(0), SELF, uint48(START), uint48(START + 60), uint48(0), uint24(0)
        );
        assertEq(word(address(institutions), z, 0, 0), bytes32(record));
        assertEq(word(address(institutions), z, 1, 0), cardOf(NOTARY));

        (z,,) = keyOf(OPERATOR);
        record = abi.encodePacked(
            OPERATOR, OPERATOR, uint8(9), uint8(0), SELF, uint48(START), type(uint48).max, uint48(0), uint24(0)
        );
        assertEq(word(address(institutions), z, 0, 0), bytes32(record));
        assertEq(word(address(institutions), z, 1, 0), cardOf(OPERATOR));
        assertEq(word(address(institutions), keccak256("no key"), 0, 0), 0);
    }

    function test_batches_lie_where_the_specification_says() public {
        bytes memory header = abi.encodePacked(OPERATOR, uint64(0), uint64(0), uint32(1), keccak256("root"), bytes32(0));
        bytes32 digest = Sm3.hash(header);
        batches.anchor(header, wire(4, 0, 1, OPERATOR, batches.contractId(), digest));
        bytes memory record = abi.encodePacked(uint48(block.timestamp), uint48(block.number), uint8(1), bytes19(0));
        assertEq(word(address(batches), digest, 0, 0), bytes32(record));
    }

    function test_cases_lie_where_the_specification_says() public {
        open();
        invite(APPRAISERS);
        step(ACCEPT, NOTARY, HANDLES);
        vm.warp(START + 3600);
        vm.roll(1234);
        Claim memory c = next(TWO);
        c.occurred -= 7;
        registry.record(pack(c), signed(c, NOTARY, HANDLES, APPROVER, APPROVES));

        bytes32 digest = Sm3.hash(pack(c));
        bytes memory record = abi.encodePacked(uint48(START + 3600), uint48(1234), uint8(1), bytes19(0));
        assertEq(word(address(registry), digest, 0, 0), bytes32(record));
        assertEq(word(address(registry), caseId, 1, 0), digest);
        assertEq(word(address(registry), caseId, 1, 1), tableDigest);
        // Open, note, accept and two were seen: positions 0, 4, 1 and 8.
        bytes memory progress = abi.encodePacked(
            uint32(3), uint8(2), uint8(0), uint32(0x113), uint48((START + 3600) * 1000 - 7), bytes16(0)
        );
        assertEq(word(address(registry), caseId, 1, 2), bytes32(progress));
        assertEq(
            word(address(registry), caseId, 1, 3), bytes32(abi.encodePacked(NOTARY_OFFICE, APPRAISERS, bytes24(0)))
        );
        assertEq(
            word(address(registry), caseId, 1, 4),
            bytes32(abi.encodePacked(NOTARY, uint32(0), NOTARY, uint128(0), APPROVER))
        );

        step(CLOSE, NOTARY_OFFICE, SEAL);
        assertEq(word(address(registry), caseId, 1, 2) << 32 >> 240, bytes32(uint256(0x0401)));
    }

    function test_views_and_storage_agree() public {
        open();
        step(ACCEPT, NOTARY, HANDLES);
        ICaseRegistry.Case memory state = registry.caseOf(caseId);
        assertEq(state.head, word(address(registry), caseId, 1, 0));
        assertEq(registry.recordOf(state.head), word(address(registry), state.head, 0, 0));
        (bytes32 z,,) = keyOf(NOTARY);
        assertEq(institutions.keyRecord(z), word(address(institutions), z, 0, 0));
        assertEq(institutions.identityRoot(z), word(address(institutions), z, 1, 0));
    }
}
