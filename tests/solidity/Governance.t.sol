// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IInstitutions} from "../../contracts/interfaces/IInstitutions.sol";
import {ISm2Keys} from "../../contracts/interfaces/ISm2Keys.sol";
import {KeyRecords} from "../../contracts/libraries/KeyRecords.sol";
import {SignedMessages} from "../../contracts/libraries/SignedMessages.sol";
import {Sm2Curve} from "../../contracts/libraries/Sm2Curve.sol";
import {Sm3} from "../../contracts/libraries/Sm3.sol";
import {Members} from "./support/Members.sol";

/// Has decisions executed in its own name, as registries and batch anchors do.
contract Executor {
    function consume(
        IInstitutions institutions,
        bytes calldata action,
        uint64 number,
        uint48 expires,
        bytes calldata signatures
    ) external {
        institutions.consumeDecision(action, number, expires, signatures);
    }
}

/// How members decide together, and what (SPEC §5.2).
contract GovernanceTest is Members {
    uint32 internal constant COURT = 104;
    uint48 internal expires = uint48(START + 1 days);

    function id() internal view returns (bytes32) {
        return institutions.contractId();
    }

    function refuseSigned(
        bytes memory action,
        uint64 number,
        uint48 until,
        bytes memory signatures,
        bytes memory reason
    ) internal {
        vm.expectRevert(reason);
        institutions.execute(action, number, until, signatures, "");
    }

    // The decision itself

    function test_voters_execute_a_decision() public {
        bytes memory action = suspendAction(PRISON);
        bytes memory signatures = votes(action, 1, expires, id(), NOTARY_OFFICE, OPERATOR);
        (bytes32 z,,) = keyOf(PRISON);
        vm.expectEmit(true, true, true, true, address(institutions));
        emit IInstitutions.DecisionExecuted(
            1, address(institutions), decisionDigest(action, 1, expires, id()), expires, action, signatures
        );
        vm.expectEmit(true, true, true, true, address(institutions));
        emit IInstitutions.InstitutionSuspended(PRISON);
        vm.expectEmit(true, true, true, true, address(institutions));
        emit IInstitutions.KeyEnded(PRISON, z, 0, uint48(START), 2, "");
        vm.prank(address(0xa10e)); // anyone may send it
        institutions.execute(action, 1, expires, signatures, "");
        assertEq(institutions.decisions(), 1);
        assertEq(institutions.activeVoters(), 10);
        assertEq(institutions.member(PRISON).status, 2);

        // Once only.
        refuseSigned(
            action, 1, expires, signatures, abi.encodeWithSelector(IInstitutions.DecisionNumber.selector, 2, 1)
        );
        refuseSigned(
            action,
            2,
            expires,
            signatures,
            abi.encodeWithSelector(SignedMessages.SignatureInvalid.selector, NOTARY_OFFICE, 0)
        );
    }

    function test_of_two_decisions_of_one_number_one_is_executed() public {
        bytes memory first = suspendAction(PRISON);
        bytes memory second = suspendAction(APPRAISERS);
        bytes memory signedFirst = votes(first, 1, expires, id(), NOTARY_OFFICE, REGULATOR);
        bytes memory signedSecond = votes(second, 1, expires, id(), NOTARY_OFFICE, REGULATOR);
        institutions.execute(second, 1, expires, signedSecond, "");
        // The one that was kept back died with its number.
        refuseSigned(
            first, 1, expires, signedFirst, abi.encodeWithSelector(IInstitutions.DecisionNumber.selector, 2, 1)
        );
        assertEq(institutions.member(PRISON).status, 1);
    }

    function test_decisions_are_numbered_without_gaps() public {
        bytes memory action = suspendAction(PRISON);
        refuseSigned(
            action,
            2,
            expires,
            votes(action, 2, expires, id(), NOTARY_OFFICE, REGULATOR),
            abi.encodeWithSelector(IInstitutions.DecisionNumber.selector, 1, 2)
        );
        refuseSigned(
            action,
            0,
            expires,
            votes(action, 0, expires, id(), NOTARY_OFFICE, REGULATOR),
            abi.encodeWithSelector(IInstitutions.DecisionNumber.selector, 1, 0)
        );
    }

    function test_a_decision_expires() public {
        bytes memory action = suspendAction(PRISON);
        bytes memory signatures = votes(action, 1, expires, id(), NOTARY_OFFICE, REGULATOR);
        vm.warp(uint256(expires) + 1);
        refuseSigned(
            action,
            1,
            expires,
            signatures,
            abi.encodeWithSelector(IInstitutions.DecisionExpired.selector, expires, uint256(expires) + 1)
        );
        // Another end than was signed.
        refuseSigned(
            action,
            1,
            expires + 1,
            signatures,
            abi.encodeWithSelector(SignedMessages.SignatureInvalid.selector, NOTARY_OFFICE, 0)
        );
        vm.warp(expires);
        institutions.execute(action, 1, expires, signatures, "");
    }

    function test_a_decision_is_not_kept_for_more_than_90_days() public {
        bytes memory action = suspendAction(PRISON);
        uint48 latest = uint48(START + 90 days);
        refuseSigned(
            action,
            1,
            latest + 1,
            votes(action, 1, latest + 1, id(), NOTARY_OFFICE, REGULATOR),
            abi.encodeWithSelector(IInstitutions.DecisionTooLong.selector, latest, latest + 1)
        );
        institutions.execute(action, 1, latest, votes(action, 1, latest, id(), NOTARY_OFFICE, REGULATOR), "");
    }

    function test_as_many_voters_sign_as_the_threshold_says() public {
        bytes memory action = suspendAction(PRISON);
        refuseSigned(
            action, 1, expires, "", abi.encodeWithSelector(IInstitutions.DecisionSignatures.selector, THRESHOLD, 0)
        );
        refuseSigned(
            action,
            1,
            expires,
            votes(action, 1, expires, id(), NOTARY_OFFICE, 0),
            abi.encodeWithSelector(IInstitutions.DecisionSignatures.selector, THRESHOLD, 1)
        );
        bytes memory good = votes(action, 1, expires, id(), NOTARY_OFFICE, REGULATOR);
        refuseSigned(
            action,
            1,
            expires,
            bytes.concat(good, hex"00"),
            abi.encodeWithSelector(SignedMessages.SignatureLength.selector, 140, 141)
        );
        refuseSigned(
            action,
            1,
            expires,
            new bytes(33 * 70),
            abi.encodeWithSelector(SignedMessages.SignatureCount.selector, 32, 33)
        );
        // One of three signatures that were counted is missing.
        bytes32 digest = decisionDigest(action, 1, expires, id());
        bytes memory three =
            bytes.concat(wire(5, 0, 3, NOTARY_OFFICE, id(), digest), wire(5, 0, 3, REGULATOR, id(), digest));
        refuseSigned(
            action,
            1,
            expires,
            three,
            abi.encodeWithSelector(SignedMessages.SignatureInvalid.selector, NOTARY_OFFICE, 0)
        );
        three = bytes.concat(three, wire(5, 0, 3, OPERATOR, id(), digest));
        institutions.execute(action, 1, expires, three, "");
    }

    function test_voters_sign_each_once_in_order_and_without_roles() public {
        bytes memory action = suspendAction(PRISON);
        bytes memory good = votes(action, 1, expires, id(), NOTARY_OFFICE, REGULATOR);
        refuseSigned(
            action,
            1,
            expires,
            votes(action, 1, expires, id(), REGULATOR, NOTARY_OFFICE),
            abi.encodeWithSelector(SignedMessages.SignatureOrder.selector, REGULATOR, NOTARY_OFFICE)
        );
        refuseSigned(
            action,
            1,
            expires,
            votes(action, 1, expires, id(), REGULATOR, REGULATOR),
            abi.encodeWithSelector(SignedMessages.SignatureOrder.selector, REGULATOR, REGULATOR)
        );
        refuseSigned(
            action, 1, expires, new bytes(140), abi.encodeWithSelector(SignedMessages.SignatureOrder.selector, 0, 0)
        );
        bytes memory changed = bytes.concat(good);
        changed[74] = 0x41;
        refuseSigned(
            action, 1, expires, changed, abi.encodeWithSelector(SignedMessages.SignatureRole.selector, REGULATOR, 0x41)
        );
        changed = bytes.concat(good);
        changed[75] = 0x01;
        refuseSigned(action, 1, expires, changed, abi.encodeWithSelector(KeyRecords.KeyUnknown.selector, REGULATOR, 1));
        refuseSigned(
            action,
            1,
            expires,
            flip(good, 69),
            abi.encodeWithSelector(SignedMessages.SignatureInvalid.selector, NOTARY_OFFICE, 0)
        );
        refuseSigned(
            action,
            1,
            expires,
            flip(good, 139),
            abi.encodeWithSelector(SignedMessages.SignatureInvalid.selector, REGULATOR, 0)
        );
        institutions.execute(action, 1, expires, good, "");
    }

    function test_only_active_voters_decide() public {
        admitInstitution(COURT, 4, 0); // no voter
        admit(NOTARY, NOTARY_OFFICE, 1, SELF);
        execute(suspendAction(PRISON));
        revoke(OPERATOR);
        bytes memory action = suspendAction(APPRAISERS);
        uint32[4] memory strangers = [COURT, 999, NOTARY, PRISON];
        for (uint256 i; i < strangers.length; ++i) {
            refuseSigned(
                action,
                3,
                expires,
                votes(action, 3, expires, id(), NOTARY_OFFICE, strangers[i]),
                abi.encodeWithSelector(IInstitutions.VoterUnknown.selector, strangers[i])
            );
        }
        refuseSigned(
            action,
            3,
            expires,
            votes(action, 3, expires, id(), NOTARY_OFFICE, OPERATOR),
            abi.encodeWithSelector(KeyRecords.KeyNotValid.selector, OPERATOR, 0, START)
        );
    }

    function test_voters_count_at_execution() public {
        bytes memory action = suspendAction(APPRAISERS);
        bytes memory early = votes(action, 2, expires, id(), PRISON, REGULATOR);
        execute(suspendAction(PRISON));
        refuseSigned(action, 2, expires, early, abi.encodeWithSelector(IInstitutions.VoterUnknown.selector, PRISON));
    }

    function test_a_recovery_key_decides_nothing() public {
        registerRecovery(PRISON, "vault");
        bytes memory action = suspendAction(APPRAISERS);
        bytes32 digest = decisionDigest(action, 2, expires, id());
        bytes memory signatures = bytes.concat(
            wire(5, 0, 2, NOTARY_OFFICE, id(), digest),
            wireBy(privateKey(PRISON, "vault"), RECOVERY, 5, 2, PRISON, digest)
        );
        refuseSigned(
            action, 2, expires, signatures, abi.encodeWithSelector(KeyRecords.KeyUnknown.selector, PRISON, RECOVERY)
        );
    }

    function test_a_decision_names_its_executor_and_its_ledger() public {
        bytes memory action = suspendAction(PRISON);
        Executor executor = new Executor();
        bytes32 executorId = idOf(address(executor), institutions.foundingDigest());
        bytes memory signatures = votes(action, 1, expires, executorId, NOTARY_OFFICE, REGULATOR);
        bytes memory invalid = abi.encodeWithSelector(SignedMessages.SignatureInvalid.selector, NOTARY_OFFICE, 0);
        refuseSigned(action, 1, expires, signatures, invalid);
        vm.expectRevert(invalid);
        institutions.consumeDecision(action, 1, expires, signatures);
        // What the executor does with it is its own matter; the number is used up.
        vm.expectEmit(true, true, true, true, address(institutions));
        emit IInstitutions.DecisionExecuted(
            1, address(executor), decisionDigest(action, 1, expires, executorId), expires, action, signatures
        );
        executor.consume(institutions, action, 1, expires, signatures);
        assertEq(institutions.decisions(), 1);
        assertEq(institutions.member(PRISON).status, 1);
        vm.expectRevert(abi.encodeWithSelector(IInstitutions.DecisionNumber.selector, 2, 1));
        executor.consume(institutions, action, 1, expires, signatures);

        // Signed for this contract: no other one executes it, nor does another ledger.
        bytes memory own = votes(action, 2, expires, id(), NOTARY_OFFICE, REGULATOR);
        vm.expectRevert(invalid);
        executor.consume(institutions, action, 2, expires, own);
        own = votes(action, 1, expires, id(), NOTARY_OFFICE, REGULATOR);
        institutions = found(THRESHOLD, founders());
        refuseSigned(action, 1, expires, own, invalid);
    }

    function test_what_is_decided_is_what_was_signed() public {
        bytes memory good = votes(suspendAction(PRISON), 1, expires, id(), NOTARY_OFFICE, REGULATOR);
        refuseSigned(
            suspendAction(APPRAISERS),
            1,
            expires,
            good,
            abi.encodeWithSelector(SignedMessages.SignatureInvalid.selector, NOTARY_OFFICE, 0)
        );
    }

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
            newKeyBytes(0x14, k),
            proof(k, "second", 0),
            abi.encodeWithSelector(IInstitutions.KeyIndexUnexpected.selector, 1, 0)
        );
        renewInstitution(PRISON, "second");
        bytes32 z = zOf(PRISON, "second");
        assertEq(
            institutions.keyRecord(z, 1), periodWord(PRISON, PRISON, 3, 1, [uint48(START + 60), type(uint48).max, 0], 0)
        );
        k = newKey(PRISON, "third");
        refuse(
            newKeyBytes(0x14, k), proof(k, "third", 2), abi.encodeWithSelector(IInstitutions.KeysOpen.selector, PRISON)
        );
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
            newKeyBytes(0x14, k),
            proof(k, "second", 0),
            abi.encodeWithSelector(IInstitutions.MemberUnknown.selector, COURT)
        );
        k = newKey(NOTARY, "second");
        refuse(
            newKeyBytes(0x14, k),
            proof(k, "second", 0),
            abi.encodeWithSelector(IInstitutions.InstitutionNumber.selector, NOTARY)
        );
        execute(suspendAction(PRISON));
        k = newKey(PRISON, "second");
        refuse(
            newKeyBytes(0x14, k),
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
        refuse(newKeyBytes(0x14, newKey(PRISON, "second")), "", removed);
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

    /// Three voters, two of which decide.
    function foundSmall() internal {
        IInstitutions.Founder[] memory list = new IInstitutions.Founder[](3);
        list[0] = founder(NOTARY_OFFICE, 1);
        list[1] = founder(REGULATOR, 6);
        list[2] = founder(OPERATOR, 9);
        institutions = found(THRESHOLD, list);
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

    // Recovery

    function test_a_recovery_key_is_registered() public {
        bytes memory action = recoveryAction(PRISON, "vault");
        bytes memory own = recoveryProof(PRISON, "vault");
        (bytes32 z, uint256 x, uint256 y) = publicKey(privateKey(PRISON, "vault"));
        (uint64 number, uint48 until, bytes memory signatures) = decide(action, id());
        vm.expectEmit(true, true, true, true, address(institutions));
        emit IInstitutions.RecoveryKeyRegistered(PRISON, z, x, y, own);
        institutions.execute(action, number, until, signatures, own);
        (bytes32 sameZ, uint256 sameX, uint256 sameY, bytes32 word) = institutions.keyAt(PRISON, RECOVERY);
        assertEq(abi.encode(sameZ, sameX, sameY, word), abi.encode(z, x, y, 0));
        (, address key,,) = institutions.keyOf(PRISON, RECOVERY);
        assertEq(key, address(0)); // it signs nothing else
        assertEq(institutions.holderOf(z), PRISON);
    }

    function test_a_recovery_key_brings_the_institution_back_once() public {
        registerRecovery(PRISON, "vault");
        renewInstitution(PRISON, "second");
        vm.warp(START + 60);
        IInstitutions.NewKey memory k = newKey(PRISON, "third");
        bytes memory recovery = recoverySignature(k, "vault");
        bytes memory own = proof(k, "third", 2);
        vm.expectEmit(true, true, true, true, address(institutions));
        emit IInstitutions.InstitutionRecovered(PRISON, 2, recovery);
        institutions.recover(k, recovery, own);
        assertEq(
            institutions.keyRecord(zOf(PRISON, "third"), 2),
            periodWord(PRISON, PRISON, 3, 2, [uint48(START + 60), type(uint48).max, 0], 0)
        );
        // Both keys that were open ended.
        (bytes32 z,,) = keyOf(PRISON);
        assertEq(institutions.keyRecord(z, 0), keyWord(PRISON, PRISON, 3, SELF, uint48(START), uint48(START + 60), 4));
        assertEq(
            institutions.keyRecord(zOf(PRISON, "second"), 1),
            periodWord(PRISON, PRISON, 3, 1, [uint48(START), uint48(START + 60), 0], 4)
        );
        assertEq(institutions.member(PRISON).openKeys, 3);
        assertEq(institutions.activeVoters(), 11);

        // The recovery key is used up.
        k = newKey(PRISON, "fourth");
        recovery = recoverySignature(k, "vault");
        own = proof(k, "fourth", 3);
        vm.expectRevert(abi.encodeWithSelector(IInstitutions.RecoveryKeyMissing.selector, PRISON));
        institutions.recover(k, recovery, own);
    }

    function test_recovery_brings_decisions_back() public {
        foundSmall();
        registerRecovery(OPERATOR, "vault");
        revoke(OPERATOR);
        revoke(REGULATOR);
        assertEq(institutions.activeVoters(), 1); // nothing can be decided any more
        recover(OPERATOR, "vault", "second");
        assertEq(institutions.activeVoters(), 2);
        IInstitutions.NewKey memory k = newKey(REGULATOR, "second");
        bytes memory action = newKeyBytes(0x14, k);
        bytes32 digest = decisionDigest(action, 2, expires, id());
        bytes memory signatures = bytes.concat(
            wire(5, 0, 2, NOTARY_OFFICE, id(), digest),
            wireBy(privateKey(OPERATOR, "second"), 1, 5, 2, OPERATOR, digest)
        );
        institutions.execute(action, 2, expires, signatures, proof(k, "second", 1));
        assertEq(institutions.activeVoters(), 3);
    }

    function refuseRecovery(IInstitutions.NewKey memory k, bytes memory signature, bytes memory own, bytes memory why)
        internal
    {
        vm.expectRevert(why);
        institutions.recover(k, signature, own);
    }

    function test_only_the_recovery_key_recovers() public {
        IInstitutions.NewKey memory k = newKey(PRISON, "second");
        bytes memory own = proof(k, "second", 1);
        bytes memory good = recoverySignature(k, "vault");
        refuseRecovery(k, good, own, abi.encodeWithSelector(IInstitutions.RecoveryKeyMissing.selector, PRISON));
        registerRecovery(PRISON, "vault");
        registerRecovery(APPRAISERS, "other vault");

        // The institution's own key, under its own index and under that of the recovery key.
        bytes32 digest = Sm3.hash(newKeyBytes(6, k));
        refuseRecovery(
            k,
            wire(5, 0, 1, PRISON, id(), digest),
            own,
            abi.encodeWithSelector(IInstitutions.KeyIndexUnexpected.selector, RECOVERY, 0)
        );
        refuseRecovery(
            k,
            wireBy(privateKey(PRISON), RECOVERY, 5, 1, PRISON, digest),
            own,
            abi.encodeWithSelector(SignedMessages.SignatureInvalid.selector, PRISON, RECOVERY)
        );
        // Another institution's recovery key.
        refuseRecovery(
            k,
            wireBy(privateKey(APPRAISERS, "other vault"), RECOVERY, 5, 1, APPRAISERS, digest),
            own,
            abi.encodeWithSelector(SignedMessages.SignerUnexpected.selector, PRISON, APPRAISERS)
        );
        // Another card, and no possession.
        IInstitutions.NewKey memory changed = newKey(PRISON, "second");
        changed.identityRoot = keccak256("another card");
        refuseRecovery(
            changed, good, own, abi.encodeWithSelector(SignedMessages.SignatureInvalid.selector, PRISON, RECOVERY)
        );
        refuseRecovery(
            k, good, flip(own, 69), abi.encodeWithSelector(SignedMessages.SignatureInvalid.selector, PRISON, 1)
        );
        refuseRecovery(
            newKey(NOTARY, "second"),
            good,
            own,
            abi.encodeWithSelector(IInstitutions.InstitutionNumber.selector, NOTARY)
        );
        refuseRecovery(
            newKey(COURT, "second"), good, own, abi.encodeWithSelector(IInstitutions.MemberUnknown.selector, COURT)
        );
        execute(suspendAction(PRISON));
        refuseRecovery(k, good, own, abi.encodeWithSelector(IInstitutions.MemberStatus.selector, PRISON, 2));
        execute(reinstateAction(PRISON, 0));
        recover(PRISON, "vault", "second");
    }

    function test_a_new_recovery_key_takes_the_place_of_the_old_one() public {
        registerRecovery(PRISON, "vault");
        registerRecovery(PRISON, "new vault");
        IInstitutions.NewKey memory k = newKey(PRISON, "second");
        refuseRecovery(
            k,
            recoverySignature(k, "vault"),
            proof(k, "second", 1),
            abi.encodeWithSelector(SignedMessages.SignatureInvalid.selector, PRISON, RECOVERY)
        );
        refuse(
            recoveryAction(PRISON, "vault"),
            recoveryProof(PRISON, "vault"),
            abi.encodeWithSelector(IInstitutions.KeyInUse.selector, zOf(PRISON, "vault"))
        );
        recover(PRISON, "new vault", "second");
    }

    function test_a_recovery_key_proves_possession_and_is_never_a_members_key() public {
        refuse(
            recoveryAction(PRISON, "vault"),
            recoveryProof(PRISON, "another"),
            abi.encodeWithSelector(SignedMessages.SignatureInvalid.selector, PRISON, RECOVERY)
        );
        bytes memory own = recoveryProof(PRISON, "vault");
        own[5] = 0;
        refuse(
            recoveryAction(PRISON, "vault"),
            own,
            abi.encodeWithSelector(IInstitutions.KeyIndexUnexpected.selector, RECOVERY, 0)
        );
        (bytes32 z, uint256 x, uint256 y) = keyOf(PRISON);
        refuse(
            abi.encodePacked(uint8(0x16), PRISON, x, y), "", abi.encodeWithSelector(IInstitutions.KeyInUse.selector, z)
        );
        registerRecovery(PRISON, "vault");
        IInstitutions.NewKey memory k = newKey(PRISON, "vault");
        refuse(
            newKeyBytes(0x14, k),
            proof(k, "vault", 1),
            abi.encodeWithSelector(IInstitutions.KeyInUse.selector, zOf(PRISON, "vault"))
        );
        refuse(
            recoveryAction(NOTARY, "vault"),
            "",
            abi.encodeWithSelector(IInstitutions.InstitutionNumber.selector, NOTARY)
        );
        refuse(recoveryAction(COURT, "vault"), "", abi.encodeWithSelector(IInstitutions.MemberUnknown.selector, COURT));
        // Neither does it revoke itself: the voters replace it.
        bytes memory signature = revocationBy(PRISON, "vault", RECOVERY, 0);
        vm.expectRevert(abi.encodeWithSelector(KeyRecords.KeyUnknown.selector, PRISON, RECOVERY));
        institutions.revokeKey(PRISON, RECOVERY, 0, signature);
    }

    // Compromise

    function test_a_key_is_marked_as_compromised_and_signs_on() public {
        (bytes32 z,,) = keyOf(PRISON);
        vm.warp(START + 60);
        bytes memory action = compromisedAction(PRISON, 0, uint48(START + 30));
        (uint64 number, uint48 until, bytes memory signatures) = decide(action, id());
        vm.expectEmit(true, true, true, true, address(institutions));
        emit IInstitutions.KeyCompromised(PRISON, z, 0, uint48(START + 30));
        institutions.execute(action, number, until, signatures, "");
        assertEq(
            institutions.keyRecord(z, 0),
            periodWord(PRISON, PRISON, 3, 0, [uint48(START), type(uint48).max, uint48(START + 30)], 0)
        );
        execute(compromisedAction(PRISON, 0, uint48(START + 20))); // another date
        revoke(PRISON);
        assertEq(
            institutions.keyRecord(z, 0),
            periodWord(PRISON, PRISON, 3, 0, [uint48(START), uint48(START + 60), uint48(START + 20)], 1)
        );
        execute(compromisedAction(PRISON, 0, uint48(START + 10))); // ended keys too
        assertEq(
            institutions.keyRecord(z, 0),
            periodWord(PRISON, PRISON, 3, 0, [uint48(START), uint48(START + 60), uint48(START + 10)], 1)
        );
    }

    function test_a_date_of_compromise_is_past_and_of_a_key() public {
        refuse(
            compromisedAction(PRISON, 0, uint48(START + 1)),
            abi.encodeWithSelector(IInstitutions.CompromisedSince.selector, START, START + 1)
        );
        refuse(
            compromisedAction(PRISON, 0, 0), abi.encodeWithSelector(IInstitutions.CompromisedSince.selector, START, 0)
        );
        refuse(
            compromisedAction(PRISON, 1, uint48(START)),
            abi.encodeWithSelector(KeyRecords.KeyUnknown.selector, PRISON, 1)
        );
        refuse(
            compromisedAction(COURT, 0, uint48(START)), abi.encodeWithSelector(KeyRecords.KeyUnknown.selector, COURT, 0)
        );
        registerRecovery(PRISON, "vault");
        refuse(
            compromisedAction(PRISON, RECOVERY, uint48(START)),
            abi.encodeWithSelector(KeyRecords.KeyUnknown.selector, PRISON, RECOVERY)
        );
    }
}
