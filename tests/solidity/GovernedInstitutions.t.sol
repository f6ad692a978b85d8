// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IInstitutions} from "../../contracts/interfaces/IInstitutions.sol";
import {ISm2Keys} from "../../contracts/interfaces/ISm2Keys.sol";
import {SignedMessages} from "../../contracts/libraries/SignedMessages.sol";
import {Sm2Curve} from "../../contracts/libraries/Sm2Curve.sol";
import {Decided} from "./support/Decided.sol";

/// What members decide about institutions and about the threshold (SPEC §5.2).
contract GovernedInstitutionsTest is Decided {
    // Actions

    function test_actions_have_their_kinds_and_lengths() public {
        refuse("", abi.encodeWithSelector(IInstitutions.ActionUnknown.selector, 0));
        uint8[7] memory unknown = [0x00, 0x01, 0x0f, 0x18, 0x20, 0x22, 0xff];
        for (uint256 i; i < unknown.length; ++i) {
            refuse(
                abi.encodePacked(unknown[i], PRISON),
                abi.encodeWithSelector(IInstitutions.ActionUnknown.selector, unknown[i])
            );
        }
        uint256[8] memory lengths = [uint256(104), 5, 6, 5, 102, 2, 69, 12];
        for (uint8 i; i < 8; ++i) {
            bytes memory action = new bytes(lengths[i] + 1);
            action[0] = bytes1(0x10 + i);
            refuse(action, abi.encodeWithSelector(IInstitutions.ActionLength.selector, lengths[i], lengths[i] + 1));
            action = new bytes(lengths[i] - 1);
            action[0] = bytes1(0x10 + i);
            refuse(action, abi.encodeWithSelector(IInstitutions.ActionLength.selector, lengths[i], lengths[i] - 1));
        }
        assertEq(institutions.decisions(), 0); // what is refused uses up no number
    }

    function test_possession_stands_only_where_a_key_comes() public {
        bytes memory own = admitProof(COURT);
        refuse(suspendAction(PRISON), own, abi.encodeWithSelector(SignedMessages.SignatureCount.selector, 0, 1));
        refuse(thresholdAction(3), own, abi.encodeWithSelector(SignedMessages.SignatureCount.selector, 0, 1));
        refuse(admitAction(COURT, 4, 1), "", abi.encodeWithSelector(SignedMessages.SignatureCount.selector, 1, 0));
    }

    function test_an_institution_is_admitted() public {
        bytes memory action = admitAction(COURT, 4, 1);
        bytes memory own = admitProof(COURT);
        (bytes32 z, uint256 x, uint256 y) = keyOf(COURT);
        (uint64 number, uint48 until, bytes memory signatures) = decide(action, id());
        vm.expectEmit(true, true, true, true, address(institutions));
        emit IInstitutions.DecisionExecuted(
            1, address(institutions), decisionDigest(action, 1, until, id()), until, action, signatures
        );
        vm.expectEmit(true, true, true, true, address(institutions));
        emit IInstitutions.KeyRegistered(COURT, z, 0, x, y, SELF, uint48(START), cardOf(COURT), own);
        vm.expectEmit(true, true, true, true, address(institutions));
        emit IInstitutions.InstitutionAdmitted(COURT, 4, true);
        institutions.execute(action, number, until, signatures, own);
        assertEq(institutions.keyRecord(z, 0), keyWord(COURT, COURT, 4, SELF, uint48(START), type(uint48).max, 0));
        assertEq(institutions.activeVoters(), 12);
        assertTrue(institutions.member(COURT).voter);

        // It votes at once.
        action = suspendAction(PRISON);
        institutions.execute(action, 2, expires, votes(action, 2, expires, id(), NOTARY_OFFICE, COURT), "");
        refuse(admitAction(COURT, 4, 1), own, abi.encodeWithSelector(IInstitutions.MemberExists.selector, COURT));
    }

    function test_an_institution_without_a_vote_is_admitted() public {
        admitInstitution(COURT, 4, 0);
        assertEq(institutions.activeVoters(), 11);
        assertFalse(institutions.member(COURT).voter);
        assertEq(institutions.member(COURT).status, 1);
    }

    function test_numbers_roles_votes_and_cards_are_in_range() public {
        bytes memory own = admitProof(COURT);
        refuse(admitAction(NOTARY, 4, 1), own, abi.encodeWithSelector(IInstitutions.InstitutionNumber.selector, NOTARY));
        refuse(admitAction(0, 4, 1), own, abi.encodeWithSelector(IInstitutions.InstitutionNumber.selector, 0));
        refuse(admitAction(COURT, 0, 1), own, abi.encodeWithSelector(IInstitutions.RoleUnknown.selector, 0));
        refuse(admitAction(COURT, 10, 1), own, abi.encodeWithSelector(IInstitutions.RoleUnknown.selector, 10));
        refuse(admitAction(COURT, 4, 2), own, abi.encodeWithSelector(IInstitutions.VoterFlag.selector, 2));
        (bytes32 z, uint256 x, uint256 y) = keyOf(COURT);
        bytes memory head = abi.encodePacked(uint8(0x10), COURT, uint8(4), uint8(1));
        refuse(
            abi.encodePacked(head, uint8(0), x, y, cardOf(COURT)),
            own,
            abi.encodeWithSelector(IInstitutions.CustodyUnknown.selector, 0)
        );
        refuse(
            abi.encodePacked(head, uint8(4), x, y, cardOf(COURT)),
            own,
            abi.encodeWithSelector(IInstitutions.CustodyUnknown.selector, 4)
        );
        refuse(
            abi.encodePacked(head, SELF, x, y, bytes32(0)),
            own,
            abi.encodeWithSelector(IInstitutions.IdentityRootMissing.selector, COURT)
        );
        refuse(
            abi.encodePacked(head, SELF, Sm2Curve.GX, Sm2Curve.GY, cardOf(COURT)),
            own,
            abi.encodeWithSelector(ISm2Keys.KeyInvalid.selector, Sm2Curve.GX, Sm2Curve.GY)
        );
        // Possession of this very key for another custody.
        refuse(
            abi.encodePacked(head, HOSTED, x, y, cardOf(COURT)),
            own,
            abi.encodeWithSelector(SignedMessages.SignatureInvalid.selector, COURT, 0)
        );
        (z, x, y) = keyOf(PRISON);
        refuse(
            abi.encodePacked(head, SELF, x, y, cardOf(COURT)),
            own,
            abi.encodeWithSelector(IInstitutions.KeyInUse.selector, z)
        );
    }

    function test_an_institution_gets_a_further_key() public {
        bytes memory first = revocation(PRISON);
        vm.warp(START + 60);
        IInstitutions.NewKey memory k = newKey(PRISON, "second");
        refuse(
            newKeyBytes(k),
            proof(k, "second", 0),
            abi.encodeWithSelector(IInstitutions.KeyIndexUnexpected.selector, 1, 0)
        );
        renewInstitution(PRISON, "second");
        bytes32 z = zOf(PRISON, "second");
        assertEq(
            institutions.keyRecord(z, 1), periodWord(PRISON, PRISON, 3, 1, [uint48(START + 60), type(uint48).max, 0], 0)
        );
        k = newKey(PRISON, "third");
        refuse(newKeyBytes(k), proof(k, "third", 2), abi.encodeWithSelector(IInstitutions.KeysOpen.selector, PRISON));
        // The old key goes, the institution stays a voter.
        institutions.revokeKey(PRISON, 0, 0, first);
        assertEq(institutions.activeVoters(), 11);
        bytes memory action = suspendAction(APPRAISERS);
        bytes32 digest = decisionDigest(action, 2, expires, id());
        bytes memory signatures = bytes.concat(
            wireBy(privateKey(PRISON, "second"), 1, 5, 2, PRISON, digest), wire(5, 0, 2, REGULATOR, id(), digest)
        );
        institutions.execute(action, 2, expires, signatures, "");
    }

    function test_a_further_key_is_for_an_active_institution() public {
        IInstitutions.NewKey memory k = newKey(COURT, "second");
        refuse(
            newKeyBytes(k), proof(k, "second", 0), abi.encodeWithSelector(IInstitutions.MemberUnknown.selector, COURT)
        );
        k = newKey(NOTARY, "second");
        refuse(
            newKeyBytes(k),
            proof(k, "second", 0),
            abi.encodeWithSelector(IInstitutions.InstitutionNumber.selector, NOTARY)
        );
        execute(suspendAction(PRISON));
        k = newKey(PRISON, "second");
        refuse(
            newKeyBytes(k),
            proof(k, "second", 1),
            abi.encodeWithSelector(IInstitutions.MemberStatus.selector, PRISON, 2)
        );
    }

    function test_an_institution_is_suspended_and_reinstated() public {
        renewInstitution(PRISON, "second");
        vm.warp(START + 60);
        refuse(reinstateAction(PRISON, 0), abi.encodeWithSelector(IInstitutions.MemberStatus.selector, PRISON, 1));
        execute(suspendAction(PRISON));
        refuse(suspendAction(PRISON), abi.encodeWithSelector(IInstitutions.MemberStatus.selector, PRISON, 2));
        (bytes32 z,,) = keyOf(PRISON);
        bytes32 z2 = zOf(PRISON, "second");
        assertEq(institutions.keyRecord(z, 0), keyWord(PRISON, PRISON, 3, SELF, uint48(START), uint48(START + 60), 2));
        assertEq(
            institutions.keyRecord(z2, 1), periodWord(PRISON, PRISON, 3, 1, [uint48(START), uint48(START + 60), 0], 2)
        );
        assertEq(institutions.activeVoters(), 10);
        vm.warp(START + 120);
        refuse(reinstateAction(PRISON, 2), abi.encodeWithSelector(IInstitutions.PeriodNotSuspended.selector, PRISON, 2));
        (uint64 number, uint48 until, bytes memory signatures) = decide(reinstateAction(PRISON, 1), id());
        vm.expectEmit(true, true, true, true, address(institutions));
        emit IInstitutions.InstitutionReinstated(PRISON, 1);
        institutions.execute(reinstateAction(PRISON, 1), number, until, signatures, "");
        assertEq(
            institutions.keyRecord(z2, 2),
            periodWord(PRISON, PRISON, 3, 2, [uint48(START + 120), type(uint48).max, 0], 0)
        );
        assertEq(institutions.activeVoters(), 11);
        assertEq(institutions.member(PRISON).changes, 2);
        assertEq(institutions.member(PRISON).suspendedKeys, 0);
    }

    function test_suspending_and_removing_are_of_institutions() public {
        admit(NOTARY, NOTARY_OFFICE, 1, SELF);
        for (uint8 kind = 0x11; kind < 0x14; ++kind) {
            bytes memory rest = kind == 0x12 ? bytes(hex"00") : bytes("");
            refuse(
                abi.encodePacked(kind, NOTARY, rest),
                abi.encodeWithSelector(IInstitutions.InstitutionNumber.selector, NOTARY)
            );
            refuse(
                abi.encodePacked(kind, COURT, rest), abi.encodeWithSelector(IInstitutions.MemberUnknown.selector, COURT)
            );
        }
    }

    function test_removing_is_final() public {
        vm.warp(START + 60);
        (uint64 number, uint48 until, bytes memory signatures) = decide(removeAction(PRISON), id());
        vm.expectEmit(true, true, true, true, address(institutions));
        emit IInstitutions.InstitutionRemoved(PRISON);
        institutions.execute(removeAction(PRISON), number, until, signatures, "");
        (bytes32 z,,) = keyOf(PRISON);
        assertEq(institutions.keyRecord(z, 0), keyWord(PRISON, PRISON, 3, SELF, uint48(START), uint48(START + 60), 3));
        bytes memory removed = abi.encodeWithSelector(IInstitutions.MemberStatus.selector, PRISON, 3);
        refuse(removeAction(PRISON), removed);
        refuse(suspendAction(PRISON), removed);
        refuse(reinstateAction(PRISON, 0), removed);
        refuse(reinstateAction(PRISON, 255), removed);
        refuse(newKeyBytes(newKey(PRISON, "second")), "", removed);
        refuse(recoveryAction(PRISON, "vault"), "", removed);
        refuse(
            admitAction(PRISON, 3, 1),
            admitProof(PRISON),
            abi.encodeWithSelector(IInstitutions.MemberExists.selector, PRISON)
        );
        refuse(
            admitAction(COURT, 4, 1),
            admitProof(PRISON),
            abi.encodeWithSelector(SignedMessages.SignerUnexpected.selector, COURT, PRISON)
        );
    }

    function test_a_suspended_institution_is_removed() public {
        execute(suspendAction(PRISON));
        execute(removeAction(PRISON));
        (bytes32 z,,) = keyOf(PRISON);
        // The end stays where the suspension put it.
        assertEq(institutions.keyRecord(z, 0), keyWord(PRISON, PRISON, 3, SELF, uint48(START), uint48(START), 2));
        assertEq(institutions.activeVoters(), 10);
    }

    // The threshold

    function test_the_threshold_changes() public {
        (uint64 number, uint48 until, bytes memory signatures) = decide(thresholdAction(3), id());
        vm.expectEmit(true, true, true, true, address(institutions));
        emit IInstitutions.ThresholdChanged(3);
        institutions.execute(thresholdAction(3), number, until, signatures, "");
        assertEq(institutions.threshold(), 3);
        refuse(thresholdAction(2), abi.encodeWithSelector(IInstitutions.DecisionSignatures.selector, 3, THRESHOLD));
    }

    function test_the_threshold_is_from_1_to_32_and_leaves_a_voter_to_spare() public {
        refuse(thresholdAction(0), abi.encodeWithSelector(IInstitutions.ThresholdRange.selector, 32, 0));
        refuse(thresholdAction(33), abi.encodeWithSelector(IInstitutions.ThresholdRange.selector, 32, 33));
        refuse(thresholdAction(11), abi.encodeWithSelector(IInstitutions.VotersTooFew.selector, 12, 11));
        execute(thresholdAction(10));
        assertEq(institutions.threshold(), 10);
    }

    function test_no_decision_takes_the_last_voter_to_spare() public {
        foundSmall();
        bytes memory tooFew = abi.encodeWithSelector(IInstitutions.VotersTooFew.selector, 3, 2);
        refuse(suspendAction(OPERATOR), tooFew);
        refuse(removeAction(OPERATOR), tooFew);
        refuse(thresholdAction(3), abi.encodeWithSelector(IInstitutions.VotersTooFew.selector, 4, 3));
        admitInstitution(COURT, 4, 0);
        execute(suspendAction(COURT)); // no voter: nothing lost
        refuse(suspendAction(OPERATOR), tooFew);
        admitInstitution(PRISON, 3, 1);
        execute(suspendAction(OPERATOR));
        refuse(removeAction(PRISON), tooFew);
        execute(removeAction(OPERATOR)); // it was not active any more
    }

    function test_a_voter_that_lost_its_key_is_brought_back_by_the_others() public {
        foundSmall();
        revoke(OPERATOR);
        assertEq(institutions.activeVoters(), 2);
        // The threshold is still reached: decisions that do not cost a voter pass.
        admitInstitution(COURT, 4, 0);
        refuse(suspendAction(REGULATOR), abi.encodeWithSelector(IInstitutions.VotersTooFew.selector, 3, 1));
        renewInstitution(OPERATOR, "second");
        assertEq(institutions.activeVoters(), 3);
    }

    function test_the_threshold_can_be_lowered_while_voters_are_missing() public {
        foundSmall();
        revoke(OPERATOR);
        execute(thresholdAction(1));
        refuse(thresholdAction(2), abi.encodeWithSelector(IInstitutions.VotersTooFew.selector, 3, 2));
    }
}
