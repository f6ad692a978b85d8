// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ICaseRegistry} from "../../contracts/interfaces/ICaseRegistry.sol";
import {SignedMessages} from "../../contracts/libraries/SignedMessages.sol";
import {Cases} from "./support/Cases.sol";

/// Custody of samples: who holds how much (SPEC §8.2 effects 9 to 14).
contract CaseSamplesTest is Cases {
    uint16 private constant MG = 2;

    function sample(uint16 kind) private view returns (Claim memory c) {
        c = opening();
        (c.kind, c.previous) = (kind, sampleTable);
    }

    function does(uint32 institution, uint16 kind, bytes32 terms) private view returns (Claim memory c) {
        c = nextOf(institution, kind);
        c.terms = terms;
    }

    function hold(uint64 quantity) private {
        Claim memory c = sample(HOLD);
        c.terms = holding(quantity, MG, NOTARY_OFFICE);
        take(c, NOTARY_OFFICE, SEAL);
    }

    function handOver(uint32 from, uint32 to, uint64 quantity) private {
        Claim memory c = does(from, TRANSFER, holding(quantity, MG, to));
        c.counterparty = to;
        bytes memory signatures =
            from < to ? signed(c, from, SEAL, to, OTHER_SEAL) : signed(c, to, OTHER_SEAL, from, SEAL);
        take(c, signatures);
    }

    function assertHolding(uint64 quantity, uint16 unit, uint32 holder) private view {
        ICaseRegistry.Case memory state = registry.caseOf(caseId);
        assertEq(state.quantity, quantity);
        assertEq(state.unit, unit);
        assertEq(state.holder, holder);
    }

    function layout(Claim memory c) private pure returns (bytes memory) {
        return abi.encodeWithSelector(ICaseRegistry.TermsLayout.selector, c.kind, c.terms);
    }

    function test_a_sample_is_held_by_whom_the_terms_name() public {
        Claim memory c = sample(HOLD);
        bytes32[5] memory bad = [
            bytes32(0),
            holding(0, MG, NOTARY_OFFICE),
            holding(1, 0, NOTARY_OFFICE),
            holding(1, MG, NOTARY),
            bytes32(uint256(holding(1, MG, NOTARY_OFFICE)) | 1)
        ];
        for (uint256 i; i < 5; ++i) {
            c.terms = bad[i];
            refuse(c, layout(c));
        }
        c.terms = holding(5, MG, PRISON);
        refuse(c, reason(ICaseRegistry.HolderUnexpected.selector, NOTARY_OFFICE, PRISON));
        c.terms = holding(5, MG, NOTARY_OFFICE);
        take(c, NOTARY_OFFICE, SEAL);
        assertHolding(5, MG, NOTARY_OFFICE);
    }

    function test_a_sample_may_be_sealed_where_another_holds_it() public {
        Claim memory c = sample(HOLD_OTHER);
        c.terms = holding(5, MG, PRISON);
        refuse(c, reason(ICaseRegistry.HolderUnexpected.selector, 0, PRISON));
        c.counterparty = PRISON;
        c.terms = holding(5, MG, NOTARY_OFFICE);
        refuse(c, reason(ICaseRegistry.HolderUnexpected.selector, PRISON, NOTARY_OFFICE));
        c.terms = holding(5, MG, PRISON);
        take(c, signed(c, NOTARY_OFFICE, SEAL, PRISON, OTHER_SEAL));
        assertHolding(5, MG, PRISON);
        assertEq(registry.caseOf(caseId).guests[0], PRISON);
    }

    function test_a_sample_moves_whole_from_holder_to_holder() public {
        hold(5);
        Claim memory c = does(NOTARY_OFFICE, TRANSFER, holding(5, MG, APPRAISERS));
        refuse(c, reason(ICaseRegistry.HolderUnexpected.selector, 0, APPRAISERS));
        c.counterparty = APPRAISERS;
        c.terms = holding(5, MG, PRISON);
        refuse(c, reason(ICaseRegistry.HolderUnexpected.selector, APPRAISERS, PRISON));
        c.terms = holding(5, 3, APPRAISERS);
        refuse(c, reason(ICaseRegistry.UnitUnexpected.selector, MG, 3));
        c.terms = holding(4, MG, APPRAISERS);
        refuse(c, reason(ICaseRegistry.QuantityUnexpected.selector, 5, 4));
        c.terms = bytes32(uint256(5) << 192);
        refuse(c, layout(c));
        handOver(NOTARY_OFFICE, APPRAISERS, 5);
        assertHolding(5, MG, APPRAISERS);
        // Who handed over moves nothing more; the holder may invite the next one.
        refuse(
            does(NOTARY_OFFICE, TRANSFER, holding(5, MG, PRISON)),
            reason(ICaseRegistry.RecorderNotEntitled.selector, NOTARY_OFFICE, 4)
        );
        handOver(APPRAISERS, PRISON, 5);
        assertHolding(5, MG, PRISON);
        assertEq(registry.caseOf(caseId).guests[1], PRISON);
        handOver(PRISON, NOTARY_OFFICE, 5);
        refuse(
            does(APPRAISERS, CONSUME, holding(1, MG, APPRAISERS)),
            reason(ICaseRegistry.RecorderNotEntitled.selector, APPRAISERS, 4)
        );
        refuse(
            does(OPERATOR, CONSUME, holding(1, MG, OPERATOR)), reason(ICaseRegistry.NotParticipant.selector, OPERATOR)
        );
    }

    function test_no_more_is_used_than_is_left() public {
        hold(5);
        Claim memory c = does(NOTARY_OFFICE, CONSUME, holding(6, MG, NOTARY_OFFICE));
        refuse(c, reason(ICaseRegistry.QuantityExceeded.selector, 5, 6));
        c.terms = holding(1, 3, NOTARY_OFFICE);
        refuse(c, reason(ICaseRegistry.UnitUnexpected.selector, MG, 3));
        c.terms = holding(1, MG, PRISON);
        refuse(c, reason(ICaseRegistry.HolderUnexpected.selector, NOTARY_OFFICE, PRISON));
        c.terms = holding(3, MG, NOTARY_OFFICE);
        take(c, signed(c, NOTARY, HANDLES, APPROVER, APPROVES));
        assertHolding(2, MG, NOTARY_OFFICE);
        c = does(NOTARY_OFFICE, CONSUME, holding(3, MG, NOTARY_OFFICE));
        refuse(c, reason(ICaseRegistry.QuantityExceeded.selector, 2, 3));
        c.terms = holding(2, MG, NOTARY_OFFICE);
        take(c, signed(c, NOTARY, HANDLES, APPROVER, APPROVES));
        assertHolding(0, MG, NOTARY_OFFICE);
    }

    function test_irregular_use_keeps_quantity_pause_and_freeze() public {
        hold(5);
        Claim memory c = does(NOTARY_OFFICE, CONSUME, holding(6, MG, NOTARY_OFFICE));
        c.flags = IRREGULAR;
        refuse(c, reason(ICaseRegistry.QuantityExceeded.selector, 5, 6));
        step(HALT, NOTARY_OFFICE, SEAL);
        c = does(NOTARY_OFFICE, CONSUME, holding(1, MG, NOTARY_OFFICE));
        c.flags = IRREGULAR;
        refuse(c, reason(ICaseRegistry.CasePaused.selector, CONSUME));
        step(GO_ON, NOTARY_OFFICE, SEAL);
        step(FREEZE, NOTARY_OFFICE, SEAL);
        c = does(NOTARY_OFFICE, CONSUME, holding(1, MG, NOTARY_OFFICE));
        c.flags = IRREGULAR;
        refuse(c, reasonOf(ICaseRegistry.CaseFrozen.selector, caseId));
        step(THAW, NOTARY_OFFICE, SEAL);
        c = does(NOTARY_OFFICE, CONSUME, holding(1, MG, NOTARY_OFFICE));
        c.flags = IRREGULAR;
        take(c, NOTARY_OFFICE, ANSWERS);
        assertHolding(4, MG, NOTARY_OFFICE);
    }

    function test_a_frozen_sample_stays_where_it_is() public {
        hold(5);
        step(FREEZE, NOTARY_OFFICE, SEAL);
        assertEq(registry.caseOf(caseId).flags, 4);
        bytes memory frozen = reasonOf(ICaseRegistry.CaseFrozen.selector, caseId);
        Claim memory c = does(NOTARY_OFFICE, TRANSFER, holding(5, MG, PRISON));
        c.counterparty = PRISON;
        refuse(c, frozen);
        refuse(does(NOTARY_OFFICE, CONSUME, holding(1, MG, NOTARY_OFFICE)), frozen);
        refuse(does(NOTARY_OFFICE, SPLIT, holding(1, MG, NOTARY_OFFICE)), frozen);
        c = does(NOTARY_OFFICE, SPLIT, 0);
        refuse(c, layout(c)); // layout comes first
        step(REMARK, NOTARY_OFFICE, SEAL);
        step(DISPOSE, NOTARY_OFFICE, SEAL); // which a freeze does not stop
        assertHolding(0, 0, 0);
        assertEq(registry.caseOf(caseId).flags, 5);
    }

    function test_a_part_split_off_is_taken_by_one_child() public {
        hold(5);
        bytes32 parent = caseId;
        Claim memory c = does(NOTARY_OFFICE, SPLIT, holding(6, MG, NOTARY_OFFICE));
        refuse(c, reason(ICaseRegistry.QuantityExceeded.selector, 5, 6));
        c.terms = holding(2, MG, PRISON);
        refuse(c, reason(ICaseRegistry.HolderUnexpected.selector, NOTARY_OFFICE, PRISON));
        c.terms = holding(2, MG, NOTARY_OFFICE);
        bytes32 split = take(c, NOTARY_OFFICE, SEAL);
        assertHolding(3, MG, NOTARY_OFFICE);
        (uint64 quantity, uint16 unit, uint32 holder, bool used) = registry.splitOf(split);
        assertEq(quantity, 2);
        assertEq(unit, MG);
        assertEq(holder, NOTARY_OFFICE);
        assertFalse(used);

        caseId = bytes32(uint256(parent) + 1);
        c = sample(CHILD);
        c.terms = parent;
        refuse(c, reasonOf(ICaseRegistry.SplitUnknown.selector, parent));
        c.terms = split;
        take(c, NOTARY_OFFICE, SEAL);
        assertHolding(2, MG, NOTARY_OFFICE);
        (,,, used) = registry.splitOf(split);
        assertTrue(used);
        caseId = bytes32(uint256(parent) + 2);
        c = sample(CHILD);
        c.terms = split;
        refuse(c, reasonOf(ICaseRegistry.SplitUsed.selector, split));
    }

    function test_a_part_may_be_split_off_for_another() public {
        hold(5);
        Claim memory c = does(NOTARY_OFFICE, SPLIT_OTHER, holding(5, MG, NOTARY_OFFICE));
        c.counterparty = PRISON;
        refuse(c, reason(ICaseRegistry.HolderUnexpected.selector, PRISON, NOTARY_OFFICE));
        c.terms = holding(5, MG, PRISON);
        bytes32 split = take(c, signed(c, NOTARY_OFFICE, SEAL, PRISON, OTHER_SEAL));
        assertHolding(0, MG, NOTARY_OFFICE);
        caseId = bytes32(uint256(caseId) + 1);
        c = sample(CHILD);
        c.terms = split;
        refuse(c, reason(ICaseRegistry.HolderUnexpected.selector, PRISON, NOTARY_OFFICE));
        (c.institution, c.caseId) = (PRISON, bytes32(uint256(PRISON) << 224));
        take(c, PRISON, SEAL);
        caseId = c.caseId;
        assertHolding(5, MG, PRISON);
    }

    function test_who_holds_disposes() public {
        hold(5);
        Claim memory c = does(NOTARY_OFFICE, DISPOSE, bytes32(uint256(1)));
        refuse(c, reason(ICaseRegistry.TermsNotZero.selector, 1));
        handOver(NOTARY_OFFICE, PRISON, 5);
        refuse(does(NOTARY_OFFICE, DISPOSE, 0), reason(ICaseRegistry.HolderUnexpected.selector, PRISON, NOTARY_OFFICE));
        c = does(NOTARY_OFFICE, DISPOSE_OTHER, 0);
        c.counterparty = APPRAISERS;
        refuse(c, reason(ICaseRegistry.HolderUnexpected.selector, PRISON, APPRAISERS));
        c.counterparty = PRISON;
        take(c, signed(c, NOTARY_OFFICE, SEAL, PRISON, OTHER_SEAL));
        assertHolding(0, 0, 0);
        assertEq(registry.caseOf(caseId).flags, 1);
    }

    function test_a_supervisor_disposes_of_what_others_hold() public {
        hold(5);
        Claim memory c = next(REMARK);
        c.counterparty = REGULATOR;
        take(c, NOTARY_OFFICE, SEAL);
        refuse(does(NOTARY_OFFICE, DISPOSE_BY, 0), reason(ICaseRegistry.RecorderNotEntitled.selector, NOTARY_OFFICE, 2));
        take(does(REGULATOR, DISPOSE_BY, 0), REGULATOR, SEAL);
        assertHolding(0, 0, 0);
    }

    function test_both_sides_sign_a_transfer() public {
        hold(5);
        Claim memory c = does(NOTARY_OFFICE, TRANSFER, holding(5, MG, PRISON));
        c.counterparty = PRISON;
        refuse(c, signed(c, NOTARY_OFFICE, SEAL), reason(SignedMessages.SignatureCount.selector, 2, 1));
    }
}
