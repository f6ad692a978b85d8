// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IInstitutions} from "../../contracts/interfaces/IInstitutions.sol";
import {KeyRecords} from "../../contracts/libraries/KeyRecords.sol";
import {SignedMessages} from "../../contracts/libraries/SignedMessages.sol";
import {Sm3} from "../../contracts/libraries/Sm3.sol";
import {Decided} from "./support/Decided.sol";

/// How lost keys are recovered and stolen ones marked (SPEC §5.2).
contract RecoveryTest is Decided {
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
        bytes memory action = newKeyBytes(k);
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
        bytes32 digest = Sm3.hash(keyActBytes(6, k));
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
        execute(reinstateAction(PRISON, 255));
        // Signed before the suspension, kept back, and void since.
        refuseRecovery(k, good, own, abi.encodeWithSelector(SignedMessages.SignatureInvalid.selector, PRISON, RECOVERY));
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
            newKeyBytes(k),
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
