// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ICaseRegistry} from "../../contracts/interfaces/ICaseRegistry.sol";
import {Cases} from "./support/Cases.sol";

/// What later statements make of earlier ones (SPEC §8.2 effects 2 to 8, §8.5).
contract CaseTargetsTest is Cases {
    bytes32 private _note;

    function setUp() public override {
        super.setUp();
        open();
        _note = step(NOTE, NOTARY_OFFICE, SEAL);
    }

    function about(uint16 kind, bytes32 target) private view returns (Claim memory c) {
        c = next(kind);
        c.terms = target;
    }

    function act(uint16 kind) private {
        take(about(kind, _note), NOTARY_OFFICE, SEAL);
    }

    function refuseStatus(uint16 kind, uint8 status) private {
        refuse(about(kind, _note), reasonOf(ICaseRegistry.TargetStatus.selector, _note, status));
    }

    function test_a_target_is_a_statement_of_the_case() public {
        bytes memory unknown = reasonOf(ICaseRegistry.TargetUnknown.selector, keccak256("nothing"));
        refuse(about(CORRECT, keccak256("nothing")), unknown);
        refuse(about(CORRECT, 0), reasonOf(ICaseRegistry.TargetUnknown.selector, bytes32(0)));
        caseId = bytes32(uint256(caseId) + 1);
        open();
        refuse(about(CORRECT, _note), reasonOf(ICaseRegistry.TargetUnknown.selector, _note));
    }

    function test_a_target_is_of_a_kind_that_may_be_named() public {
        bytes32 pass = step(PASS, NOTARY_OFFICE, SEAL);
        refuse(about(CORRECT, pass), reason(ICaseRegistry.TargetKind.selector, 0x1a, 15));
    }

    /// From each status, what each of the six effects makes of it; 0: refused.
    function test_every_effect_on_every_status() public {
        uint8[7][6] memory expected = [
            [0, 2, 0, 0, 0, 2, 0],
            [0, 1, 0, 3, 0, 5, 6],
            [0, 3, 0, 0, 0, 6, 0],
            [0, 0, 0, 1, 0, 0, 5],
            [0, 4, 0, 4, 0, 4, 4],
            [0, 5, 0, 6, 0, 5, 6]
        ];
        for (uint8 status = 1; status <= 6; ++status) {
            uint256 before = vm.snapshotState();
            if (status == 2) act(CORRECT);
            if (status == 4) act(REVOKE);
            if (status == 3 || status == 6) act(SUSPEND);
            if (status == 5 || status == 6) act(REVOKE_PART);
            assertEq(statusOf(_note), status);
            for (uint8 effect; effect < 6; ++effect) {
                uint16 kind = CORRECT + effect;
                uint8 after_ = expected[effect][status];
                if (after_ == 0) {
                    refuseStatus(kind, status);
                    continue;
                }
                uint256 here = vm.snapshotState();
                act(kind);
                assertEq(statusOf(_note), kind == SUPPLEMENT ? after_ | 0x80 : after_);
                vm.revertToState(here);
            }
            vm.revertToState(before);
        }
    }

    function test_corrections_do_not_fork() public {
        act(CORRECT);
        refuseStatus(CORRECT, 2);
    }

    function test_nothing_but_the_status_changes() public {
        bytes32 record = registry.recordOf(_note);
        vm.warp(START + 500);
        vm.roll(7777);
        act(SUPPLEMENT);
        act(SUSPEND);
        act(LIFT);
        act(REVOKE);
        uint256 changed = uint256(record ^ registry.recordOf(_note));
        assertEq(changed, uint256((0x81 ^ 1) | 4 ^ 1) << 152);
        assertEq(statusOf(_note), 0x84);
    }

    function test_the_end_of_a_case_does_not_end_corrections() public {
        step(CLOSE, NOTARY_OFFICE, SEAL);
        act(CORRECT);
        assertEq(statusOf(_note), 2);
        assertEq(registry.caseOf(caseId).flags, 1);
    }

    function test_an_irregular_correction_names_its_target_all_the_same() public {
        Claim memory c = about(CORRECT, keccak256("nothing"));
        c.flags = IRREGULAR;
        refuse(c, reasonOf(ICaseRegistry.TargetUnknown.selector, keccak256("nothing")));
        c.terms = _note;
        take(c, NOTARY_OFFICE, ANSWERS);
        assertEq(statusOf(_note), 2);
    }

    function test_a_basis_is_any_recorded_statement() public {
        refuse(about(REST, keccak256("nothing")), reasonOf(ICaseRegistry.BasisUnknown.selector, keccak256("nothing")));
        caseId = bytes32(uint256(caseId) + 1);
        open();
        bytes32 record = registry.recordOf(_note);
        take(about(REST, _note), NOTARY_OFFICE, SEAL);
        assertEq(registry.recordOf(_note), record);
    }
}
