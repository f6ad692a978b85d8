// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {CaseRegistry} from "../../contracts/CaseRegistry.sol";
import {ICaseRegistry} from "../../contracts/interfaces/ICaseRegistry.sol";
import {Cases} from "./support/Cases.sol";
import {Tables} from "./support/Tables.sol";

/// The shape of procedure tables (SPEC §8.2), as a registry takes them. Shape comes before decision, so none is signed here.
contract ProcedureTablesTest is Cases {
    uint256 private constant HEADER = 36;

    function refuse(bytes memory bad, bytes memory expected) internal {
        vm.expectRevert(expected);
        registry.registerTable(bad, 0, FOREVER, 0, 0, "");
    }

    /// A good table with one byte of one entry replaced.
    function changed(bytes memory data, uint256 position, uint256 offset, uint8 value)
        internal
        pure
        returns (bytes memory)
    {
        data[HEADER + 64 * position + offset] = bytes1(value);
        return data;
    }

    function changed(uint256 position, uint256 offset, uint8 value) internal pure returns (bytes memory) {
        return changed(Tables.matter(), position, offset, value);
    }

    function flagged(uint256 position, uint16 flags) internal pure returns (bytes memory data) {
        data = changed(position, 1, uint8(flags >> 8));
        return changed(data, position, 2, uint8(flags));
    }

    function header(uint256 offset, uint8 value) internal pure returns (bytes memory data) {
        data = Tables.matter();
        data[offset] = bytes1(value);
    }

    function test_a_domain_is_from_1_to_15() public {
        vm.expectRevert(reason(ICaseRegistry.DomainRange.selector, 0));
        new CaseRegistry(institutions, 0, ICaseRegistry(address(0)));
        vm.expectRevert(reason(ICaseRegistry.DomainRange.selector, 16));
        new CaseRegistry(institutions, 16, ICaseRegistry(address(0)));
    }

    function test_headers_are_checked() public {
        refuse(new bytes(35), reason(ICaseRegistry.TableLength.selector, 36, 35));
        refuse(bytes.concat(Tables.matter(), hex"00"), reason(ICaseRegistry.TableLength.selector, 1892, 1893));
        refuse(header(0, 2), reason(ICaseRegistry.TableVersion.selector, 1, 2));
        refuse(header(1, 2), reason(ICaseRegistry.TableDomain.selector, 1, 2));
        refuse(header(2, 0), reason(ICaseRegistry.TableCaseType.selector, 0));
        refuse(header(2, 16), reason(ICaseRegistry.TableCaseType.selector, 16));
        refuse(header(3, 0), reason(ICaseRegistry.TableKindCount.selector, 32, 0));
        refuse(header(3, 33), reason(ICaseRegistry.TableKindCount.selector, 32, 33));
        refuse(header(3, 30), reason(ICaseRegistry.TableLength.selector, 1956, 1892));
    }

    function test_steps_ascend_and_end_before_the_continuing_one() public {
        refuse(changed(0, 0, 0), reason(ICaseRegistry.TableStepOrder.selector, 0, 0));
        refuse(changed(1, 0, 1), reason(ICaseRegistry.TableStepOrder.selector, 1, 1));
        refuse(changed(28, 0, 255), reason(ICaseRegistry.TableStepOrder.selector, 28, 255));
        registerTable(changed(28, 0, 254), 0, FOREVER);
    }

    function test_flags_are_known() public {
        refuse(flagged(1, 0x4000), reason(ICaseRegistry.TableFlags.selector, 2, 0x4000));
        refuse(flagged(1, 0x8000), reason(ICaseRegistry.TableFlags.selector, 2, 0x8000));
        for (uint256 offset = 49; offset < 64; ++offset) {
            refuse(changed(1, offset, 1), reason(ICaseRegistry.TableFlags.selector, 2, 0));
        }
    }

    function test_instruments_are_never_late_nor_irregular() public {
        refuse(flagged(3, 0x0044), reason(ICaseRegistry.TableFlags.selector, 4, 0x0044));
        refuse(flagged(3, 0x0024), reason(ICaseRegistry.TableFlags.selector, 4, 0x0024));
    }

    function test_what_moves_a_case_is_never_late() public {
        uint16[8] memory barred = [uint16(0x01), 0x02, 0x04, 0x08, 0x80, 0x100, 0x400, 0x800];
        for (uint256 i; i < 8; ++i) {
            uint16 flags = 0x20 | barred[i];
            refuse(flagged(12, flags), reason(ICaseRegistry.TableFlags.selector, 13, flags));
        }
        registerTable(flagged(12, 0x3260), 0, FOREVER); // apart from passing a pause, a close and an end
    }

    function test_nothing_pauses_and_resumes_or_freezes_and_thaws() public {
        refuse(flagged(13, 0x1080), reason(ICaseRegistry.TableFlags.selector, 14, 0x1080)); // after the end
        refuse(flagged(13, 0x0180), reason(ICaseRegistry.TableFlags.selector, 14, 0x0180));
        refuse(flagged(13, 0x0c00), reason(ICaseRegistry.TableFlags.selector, 14, 0x0c00));
    }

    function test_a_kind_of_the_batch_lane_is_a_whole_case() public {
        refuse(flagged(7, 0x0011), reason(ICaseRegistry.TableFlags.selector, 8, 0x0011));
        refuse(flagged(7, 0x0012), reason(ICaseRegistry.TableFlags.selector, 8, 0x0012));
        refuse(flagged(7, 0x0053), reason(ICaseRegistry.TableFlags.selector, 8, 0x0053));
        refuse(changed(7, 17, 1), reason(ICaseRegistry.TableEffect.selector, 8, 1));
        refuse(changed(7, 20, 0x41), reason(ICaseRegistry.TableSides.selector, 8));
    }

    function test_only_opening_kinds_come_from_nowhere() public {
        refuse(changed(0, 6, 2), abi.encodeWithSelector(ICaseRegistry.TableStates.selector, 1, 2, 1));
        refuse(changed(1, 6, 0), abi.encodeWithSelector(ICaseRegistry.TableStates.selector, 2, 0, 2));
        refuse(changed(0, 7, 255), abi.encodeWithSelector(ICaseRegistry.TableStates.selector, 1, 0, 255));
        refuse(changed(1, 7, 32), abi.encodeWithSelector(ICaseRegistry.TableStates.selector, 2, 2, 32));
    }

    function test_masks_name_kinds_of_the_table() public {
        refuse(changed(1, 8, 0x20), abi.encodeWithSelector(ICaseRegistry.TableMasks.selector, 2, 0x20000000, 0));
        refuse(changed(1, 12, 0x80), abi.encodeWithSelector(ICaseRegistry.TableMasks.selector, 2, 0, 0x80000000));
        refuse(changed(3, 15, 0x04), abi.encodeWithSelector(ICaseRegistry.TableMasks.selector, 4, 4, 4));
        refuse(changed(0, 11, 0x02), abi.encodeWithSelector(ICaseRegistry.TableMasks.selector, 1, 2, 0));
        refuse(changed(0, 15, 0x02), abi.encodeWithSelector(ICaseRegistry.TableMasks.selector, 1, 0, 2));
    }

    function test_somebody_may_record() public {
        refuse(changed(1, 16, 0), reason(ICaseRegistry.TableWho.selector, 2, 0));
        refuse(changed(1, 16, 8), reason(ICaseRegistry.TableWho.selector, 2, 8));
        refuse(changed(0, 16, 3), reason(ICaseRegistry.TableWho.selector, 1, 3));
    }

    function test_the_holder_alone_moves_a_sample() public {
        for (uint256 position = 3; position < 7; ++position) {
            bytes memory bad = changed(Tables.sample(), position, 16, 5);
            refuse(bad, reason(ICaseRegistry.TableWho.selector, position + 1, 5));
        }
    }

    function test_the_other_side_always_signs_for_what_it_holds() public {
        // Holds, hands over, splits off, gives away: each with a slot of the other side, and irregular.
        uint256[4] memory positions = [uint256(1), 3, 6, 10];
        uint8[4] memory effects = [9, 10, 12, 14];
        for (uint256 i; i < 4; ++i) {
            uint8 low = uint8(Tables.sample()[HEADER + 64 * positions[i] + 2]);
            bytes memory bad = changed(Tables.sample(), positions[i], 2, low | 0x40);
            refuse(bad, reason(ICaseRegistry.TableEffect.selector, positions[i] + 1, effects[i]));
        }
    }

    function test_effects_are_known_and_in_their_place() public {
        refuse(changed(1, 17, 15), reason(ICaseRegistry.TableEffect.selector, 2, 15));
        refuse(changed(1, 17, 9), reason(ICaseRegistry.TableEffect.selector, 2, 9));
        refuse(changed(1, 17, 13), reason(ICaseRegistry.TableEffect.selector, 2, 13));
        for (uint8 effect = 2; effect <= 7; ++effect) {
            refuse(changed(0, 17, effect), reason(ICaseRegistry.TableEffect.selector, 1, effect));
        }
        refuse(changed(0, 17, 14), reason(ICaseRegistry.TableEffect.selector, 1, 14));
        refuse(changed(12, 17, 1), reason(ICaseRegistry.TableEffect.selector, 13, 1)); // may be late
        refuse(changed(1, 17, 14), reason(ICaseRegistry.TableEffect.selector, 2, 14)); // does not close
        // A transfer without a slot of the other side.
        bytes memory bad = changed(Tables.sample(), 3, 23, 0x41);
        refuse(bad, reason(ICaseRegistry.TableEffect.selector, 4, 10));
    }

    function test_moves_of_samples_open_nothing() public {
        for (uint8 effect = 10; effect <= 12; ++effect) {
            // For the holder alone, and for the opener alone: one of the two errors.
            refuse(changed(0, 17, effect), reason(ICaseRegistry.TableWho.selector, 1, 1));
        }
    }

    function test_targets_are_named_where_the_effect_has_one() public {
        refuse(changed(19, 47, 0), reason(ICaseRegistry.TableTargets.selector, 20, 0));
        refuse(changed(19, 44, 0x20), reason(ICaseRegistry.TableTargets.selector, 20, 0x2000001a));
        refuse(changed(4, 47, 1), reason(ICaseRegistry.TableTargets.selector, 5, 1));
    }

    function test_there_are_one_to_eight_slots() public {
        refuse(changed(1, 48, 0), reason(ICaseRegistry.TableSlotCount.selector, 2, 0));
        refuse(changed(1, 48, 9), reason(ICaseRegistry.TableSlotCount.selector, 2, 9));
    }

    function test_slots_are_in_order() public {
        // Something in an unused slot; the reserved role; a ninth handler; a function without a person.
        refuse(changed(1, 43, 1), abi.encodeWithSelector(ICaseRegistry.TableSlot.selector, 2, 7, 1));
        refuse(changed(1, 23, 1), abi.encodeWithSelector(ICaseRegistry.TableSlot.selector, 2, 1, 0x010000));
        refuse(changed(4, 20, 0xff), abi.encodeWithSelector(ICaseRegistry.TableSlot.selector, 5, 0, 0xff0000));
        refuse(changed(1, 21, 0x91), abi.encodeWithSelector(ICaseRegistry.TableSlot.selector, 2, 0, 0x419100));
        refuse(changed(4, 20, 0x01), abi.encodeWithSelector(ICaseRegistry.TableSlot.selector, 5, 0, 0x010000));
    }

    function test_sides_can_be_named_and_the_recorders_own_signs() public {
        refuse(changed(8, 23, 0xc2), reason(ICaseRegistry.TableSides.selector, 9));
        refuse(changed(4, 20, 0x80), reason(ICaseRegistry.TableSides.selector, 5));
    }

    function test_handlers_have_a_place_each_and_are_there() public {
        refuse(changed(8, 24, 0x30), reason(ICaseRegistry.TableHandlers.selector, 9, 3));
        refuse(changed(0, 22, 0x02), reason(ICaseRegistry.TableHandlers.selector, 1, 2));
    }
}
