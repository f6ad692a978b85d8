// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {CaseRegistry} from "../../contracts/CaseRegistry.sol";
import {ICaseRegistry} from "../../contracts/interfaces/ICaseRegistry.sol";
import {Sm3} from "../../contracts/libraries/Sm3.sol";
import {Cases} from "./support/Cases.sol";

/// The shape of procedure tables (SPEC §8.2), as a registry takes them when it is deployed.
contract ProcedureTablesTest is Cases {
    uint256 private constant HEADER = 36;

    function refuse(bytes memory bad, bytes memory expected) internal {
        bytes[] memory list = new bytes[](1);
        list[0] = bad;
        vm.expectRevert(expected);
        new CaseRegistry(institutions, DOMAIN, list);
    }

    /// The good table with one byte of one entry replaced.
    function changed(uint256 position, uint256 offset, uint8 value) internal pure returns (bytes memory data) {
        data = table();
        data[HEADER + 32 * position + offset] = bytes1(value);
    }

    function header(uint256 offset, uint8 value) internal pure returns (bytes memory data) {
        data = table();
        data[offset] = bytes1(value);
    }

    function test_tables_are_registered_and_told() public {
        bytes[] memory list = new bytes[](2);
        list[0] = table();
        list[1] = header(2, 7);
        address next = vm.computeCreateAddress(address(this), vm.getNonce(address(this)));
        vm.expectEmit(true, true, true, true, next);
        emit ICaseRegistry.TableRegistered(Sm3.hash(list[0]), list[0]);
        vm.expectEmit(true, true, true, true, next);
        emit ICaseRegistry.TableRegistered(Sm3.hash(list[1]), list[1]);
        CaseRegistry two = new CaseRegistry(institutions, DOMAIN, list);
        assertEq(two.registeredTables().length, 2);
        (bytes32 entry_,) = two.entryOf(Sm3.hash(list[1]), 0x1701);
        assertTrue(entry_ != 0);
    }

    function test_a_table_is_registered_once() public {
        bytes[] memory list = new bytes[](2);
        (list[0], list[1]) = (table(), table());
        vm.expectRevert(abi.encodeWithSelector(ICaseRegistry.TableRepeated.selector, tableDigest));
        new CaseRegistry(institutions, DOMAIN, list);
    }

    function test_a_domain_is_from_1_to_15() public {
        vm.expectRevert(abi.encodeWithSelector(ICaseRegistry.DomainRange.selector, 0));
        new CaseRegistry(institutions, 0, new bytes[](0));
        vm.expectRevert(abi.encodeWithSelector(ICaseRegistry.DomainRange.selector, 16));
        new CaseRegistry(institutions, 16, new bytes[](0));
    }

    function test_headers_are_checked() public {
        refuse(new bytes(35), abi.encodeWithSelector(ICaseRegistry.TableLength.selector, 36, 35));
        refuse(bytes.concat(table(), hex"00"), abi.encodeWithSelector(ICaseRegistry.TableLength.selector, 420, 421));
        refuse(header(0, 2), abi.encodeWithSelector(ICaseRegistry.TableVersion.selector, 1, 2));
        refuse(header(1, 2), abi.encodeWithSelector(ICaseRegistry.TableDomain.selector, 1, 2));
        refuse(header(2, 0), abi.encodeWithSelector(ICaseRegistry.TableCaseType.selector, 0));
        refuse(header(2, 16), abi.encodeWithSelector(ICaseRegistry.TableCaseType.selector, 16));
        refuse(header(3, 0), abi.encodeWithSelector(ICaseRegistry.TableKindCount.selector, 32, 0));
        refuse(header(3, 33), abi.encodeWithSelector(ICaseRegistry.TableKindCount.selector, 32, 33));
        refuse(header(3, 13), abi.encodeWithSelector(ICaseRegistry.TableLength.selector, 452, 420));
    }

    function test_steps_ascend() public {
        refuse(changed(0, 0, 0), abi.encodeWithSelector(ICaseRegistry.TableStepOrder.selector, 0, 0));
        refuse(changed(1, 0, 1), abi.encodeWithSelector(ICaseRegistry.TableStepOrder.selector, 1, 1));
    }

    function test_flags_are_known() public {
        refuse(changed(1, 1, 0x20), abi.encodeWithSelector(ICaseRegistry.TableFlags.selector, 2, 0x20));
    }

    function test_only_opening_kinds_come_from_nowhere() public {
        refuse(changed(0, 5, 2), abi.encodeWithSelector(ICaseRegistry.TableStates.selector, 1, 2, 1));
        refuse(changed(1, 5, 0), abi.encodeWithSelector(ICaseRegistry.TableStates.selector, 2, 0, 2));
        refuse(changed(0, 6, 255), abi.encodeWithSelector(ICaseRegistry.TableStates.selector, 1, 0, 255));
        refuse(changed(1, 6, 32), abi.encodeWithSelector(ICaseRegistry.TableStates.selector, 2, 2, 32));
    }

    function test_masks_name_kinds_of_the_table() public {
        refuse(changed(1, 9, 0x10), abi.encodeWithSelector(ICaseRegistry.TableMasks.selector, 2, 0x1000, 0));
        refuse(changed(1, 11, 0x80), abi.encodeWithSelector(ICaseRegistry.TableMasks.selector, 2, 0, 0x80000000));
        refuse(changed(3, 14, 0x04), abi.encodeWithSelector(ICaseRegistry.TableMasks.selector, 4, 4, 4));
        refuse(changed(0, 10, 0x02), abi.encodeWithSelector(ICaseRegistry.TableMasks.selector, 1, 2, 0));
    }

    function test_somebody_may_record() public {
        refuse(changed(1, 15, 0), abi.encodeWithSelector(ICaseRegistry.TableWho.selector, 2, 0));
        refuse(changed(1, 15, 4), abi.encodeWithSelector(ICaseRegistry.TableWho.selector, 2, 4));
        refuse(changed(0, 15, 3), abi.encodeWithSelector(ICaseRegistry.TableWho.selector, 1, 3));
    }

    function test_no_terms_layout_is_known() public {
        refuse(changed(1, 16, 1), abi.encodeWithSelector(ICaseRegistry.TableTerms.selector, 2, 1));
    }

    function test_there_are_one_to_four_slots() public {
        refuse(changed(1, 17, 0), abi.encodeWithSelector(ICaseRegistry.TableSlotCount.selector, 2, 0));
        refuse(changed(1, 17, 5), abi.encodeWithSelector(ICaseRegistry.TableSlotCount.selector, 2, 5));
    }

    function test_slots_are_in_order() public {
        // Something in an unused slot; the reserved role; a ninth handler; a side that cannot be named.
        refuse(changed(1, 29, 1), abi.encodeWithSelector(ICaseRegistry.TableSlot.selector, 2, 3, 1));
        refuse(changed(4, 18, 0xff), abi.encodeWithSelector(ICaseRegistry.TableSlot.selector, 5, 0, 0xff0000));
        refuse(changed(1, 19, 0x91), abi.encodeWithSelector(ICaseRegistry.TableSlot.selector, 2, 0, 0x419100));
        refuse(changed(8, 21, 0xc2), abi.encodeWithSelector(ICaseRegistry.TableSlot.selector, 9, 1, 0xc28000));
    }

    function test_the_recorders_own_side_signs() public {
        refuse(changed(4, 18, 0x80), abi.encodeWithSelector(ICaseRegistry.TableSides.selector, 5));
    }

    function test_two_signers_are_not_remembered_at_one_place() public {
        refuse(changed(8, 22, 0x30), abi.encodeWithSelector(ICaseRegistry.TableHandlers.selector, 9, 3));
    }
}
