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

    /// A word of the key period 0.
    function period(bytes32 z, uint256 slot) internal view returns (bytes32) {
        return
            vm.load(address(institutions), keccak256(abi.encode(uint256(0), keccak256(bytes.concat(z, bytes32(slot))))));
    }

    function record(uint8 status, uint16 table, uint8 position, bytes32 case_) internal view returns (bytes32) {
        bytes memory head = abi.encodePacked(uint48(block.timestamp), uint48(block.number), status, table, position);
        return bytes32(bytes.concat(head, bytes16(keccak256(bytes.concat(case_)))));
    }

    function test_keys_lie_where_the_specification_says() public {
        vm.warp(START + 60);
        institutions.suspendPractitioner(NOTARY, suspension(NOTARY, NOTARY_OFFICE));
        (bytes32 z,,) = keyOf(NOTARY);
        assertEq(period(z, 0), keyWord(NOTARY, NOTARY_OFFICE, 1, SELF, uint48(START), uint48(START + 60), 2));
        assertEq(period(z, 1), cardOf(NOTARY));
        (z,,) = keyOf(OPERATOR);
        assertEq(period(z, 0), keyWord(OPERATOR, OPERATOR, 9, SELF, uint48(START), type(uint48).max, 0));
        assertEq(period(z, 1), cardOf(OPERATOR));
        assertEq(period(keccak256("no key"), 0), 0);
    }

    function test_batches_lie_where_the_specification_says() public {
        bytes memory header = abi.encodePacked(OPERATOR, uint64(0), uint64(0), uint32(1), keccak256("root"), bytes32(0));
        bytes32 digest = Sm3.hash(header);
        batches.anchor(header, wire(4, 0, 1, OPERATOR, batches.contractId(), digest));
        bytes memory expected = abi.encodePacked(uint48(block.timestamp), uint48(block.number), uint8(1), bytes19(0));
        assertEq(word(address(batches), digest, 0, 0), bytes32(expected));
    }

    function test_tables_lie_where_the_specification_says() public view {
        assertEq(word(address(registry), bytes32(uint256(1)), 2, 0), tableDigest);
        assertEq(word(address(registry), bytes32(uint256(2)), 2, 0), sampleTable);
        assertEq(word(address(registry), bytes32(uint256(3)), 2, 0), 0);
    }

    function test_cases_lie_where_the_specification_says() public {
        open();
        invite(APPRAISERS);
        step(ACCEPT, NOTARY, HANDLES);
        Claim memory c = next(PUBLISH);
        uint48 end = uint48((START + 50) * 1000);
        c.terms = bytes32(abi.encodePacked(end, bytes26(0)));
        take(c, NOTARY_OFFICE, SEAL);
        vm.warp(START + 3600);
        vm.roll(1234);
        c = next(TWO);
        c.occurred -= 7;
        bytes32 digest = take(c, signed(c, NOTARY, HANDLES, APPROVER, APPROVES));

        assertEq(word(address(registry), digest, 0, 0), record(1, 1, 8, caseId));
        assertEq(word(address(registry), caseId, 1, 0), digest);
        // Open, note, accept, publish and two were seen: positions 0, 4, 1, 16 and 8.
        bytes memory progress = abi.encodePacked(
            uint32(4), uint8(2), uint8(0), uint32(0x10113), uint48((START + 3600) * 1000 - 7), end, uint16(1)
        );
        progress = bytes.concat(progress, abi.encodePacked(uint32(0), uint8(1), uint24(0)));
        assertEq(word(address(registry), caseId, 1, 1), bytes32(progress));
        assertEq(word(address(registry), caseId, 1, 2), bytes32(abi.encodePacked(APPRAISERS, bytes28(0))));
        assertEq(
            word(address(registry), caseId, 1, 3),
            bytes32(abi.encodePacked(NOTARY, uint32(0), NOTARY, uint128(0), APPROVER))
        );
        assertEq(word(address(registry), caseId, 1, 4), 0);

        step(PAUSE, NOTARY_OFFICE, SEAL);
        assertEq(word(address(registry), caseId, 1, 1) << 32 >> 240, bytes32(uint256(0x0202)));
        // Closing ends the pause.
        step(CLOSE, NOTARY_OFFICE, SEAL);
        assertEq(word(address(registry), caseId, 1, 1) << 32 >> 240, bytes32(uint256(0x0401)));
    }

    function test_holdings_lie_where_the_specification_says() public {
        Claim memory c = opening();
        (c.kind, c.previous, c.counterparty) = (HOLD_OTHER, sampleTable, PRISON);
        c.terms = holding(12, 3, PRISON);
        bytes32 digest = take(c, signed(c, NOTARY_OFFICE, SEAL, PRISON, OTHER_SEAL));
        assertEq(word(address(registry), digest, 0, 0), record(1, 2, 1, caseId));
        bytes memory progress = abi.encodePacked(uint32(0), uint8(1), uint8(0), uint32(2), c.occurred, uint48(0));
        progress = bytes.concat(progress, abi.encodePacked(uint16(2), PRISON, uint8(1), uint24(0)));
        assertEq(word(address(registry), caseId, 1, 1), bytes32(progress));
        assertEq(word(address(registry), caseId, 1, 2), bytes32(abi.encodePacked(PRISON, bytes28(0))));
        assertEq(word(address(registry), caseId, 1, 4), bytes32(abi.encodePacked(uint64(12), uint16(3), bytes22(0))));
    }

    function test_every_bit_of_a_status_stands_in_its_place() public {
        open();
        step(ACCEPT, NOTARY, HANDLES);
        vm.warp(START + 100 days);
        vm.roll(99_999);
        Claim memory c = next(VISIT);
        (c.flags, c.occurred) = (LATE | IRREGULAR, uint48(START * 1000));
        bytes32 first = take(c, NOTARY_OFFICE, ANSWERS);
        assertEq(word(address(registry), first, 0, 0), record(0x39, 1, 12, caseId));
        bytes32 note = step(NOTE, NOTARY_OFFICE, SEAL);
        assertEq(word(address(registry), note, 0, 0), record(0x41, 1, 4, caseId));
        c = next(SUPPLEMENT);
        c.terms = note;
        take(c, NOTARY_OFFICE, SEAL);
        assertEq(word(address(registry), note, 0, 0), record(0xc1, 1, 4, caseId));
    }

    function test_views_and_storage_agree() public {
        open();
        step(ACCEPT, NOTARY, HANDLES);
        ICaseRegistry.Case memory state = registry.caseOf(caseId);
        assertEq(state.head, word(address(registry), caseId, 1, 0));
        assertEq(registry.headOf(caseId), state.head);
        bytes32[5] memory words = registry.wordsOf(caseId);
        for (uint256 i; i < 5; ++i) {
            assertEq(words[i], word(address(registry), caseId, 1, i));
        }
        assertEq(registry.recordOf(state.head), word(address(registry), state.head, 0, 0));
        (bytes32 z,,) = keyOf(NOTARY);
        assertEq(institutions.keyRecord(z, 0), period(z, 0));
        assertEq(institutions.identityRoot(z, 0), period(z, 1));
    }
}
