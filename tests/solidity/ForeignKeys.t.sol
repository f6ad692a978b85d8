// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IInstitutions} from "../../contracts/interfaces/IInstitutions.sol";
import {SignedMessages} from "../../contracts/libraries/SignedMessages.sol";
import {Sm3} from "../../contracts/libraries/Sm3.sol";
import {Cases} from "./support/Cases.sol";
import {Ledger} from "./support/Ledger.sol";
import {Members} from "./support/Members.sol";
import {Sm2Signer} from "./support/Sm2Signer.sol";

/// Nobody signs for somebody else: what is signed with another member's registered key, under the right number and
/// index, is no signature, be it over the thief's Z or over the victim's.
contract ForeignKeysTest is Cases, Members {
    uint32 private constant NEWCOMER = 0x80000010;
    uint32 private constant SECOND_OPERATOR = 110;

    /// What the thief hashes: the victim's Z, else its own.
    bool private _victimsZ;

    modifier overEitherZ() {
        uint256 before = vm.snapshotState();
        _;
        vm.revertToState(before);
        _victimsZ = true;
        _;
    }

    function setUp() public override(Cases, Ledger) {
        super.setUp();
    }

    /// On the wire, in the name that the message says, by the thief's key.
    function forged(bytes memory text, uint8 keyIndex, uint256 victim, uint256 thief)
        private
        view
        returns (bytes memory)
    {
        (bytes32 z,,) = publicKey(_victimsZ ? victim : thief);
        (uint256 r, uint256 s) = Sm2Signer.sign(thief, Sm3.hash(bytes.concat(z, text)));
        // The role and the signer as they stand in the message.
        return abi.encodePacked(text[13], text[14], text[15], text[16], text[11], keyIndex, r, s);
    }

    /// In the name of a member's first key, by another member's first key.
    function forged(bytes memory text, uint32 victim, uint32 thief) private view returns (bytes memory) {
        return forged(text, 0, privateKey(victim), privateKey(thief));
    }

    function forgedStatement(Claim memory c, uint8 role, uint8 count, uint32 victim, uint32 thief)
        private
        view
        returns (bytes memory)
    {
        return forged(message(1, role, count, victim, registry.contractId(), Sm3.hash(pack(c))), victim, thief);
    }

    function forgedAct(bytes memory action, uint8 count, uint32 victim, uint32 thief)
        private
        view
        returns (bytes memory)
    {
        return forged(message(5, 0, count, victim, institutions.contractId(), Sm3.hash(action)), victim, thief);
    }

    function act(bytes memory action, uint8 count, uint32 signer) private view returns (bytes memory) {
        return wire(5, 0, count, signer, institutions.contractId(), Sm3.hash(action));
    }

    function invalid(uint32 signer) private pure returns (bytes memory) {
        return invalid(signer, 0);
    }

    // Statements

    function test_nobody_signs_a_statement_for_another_person() public overEitherZ {
        open();
        Claim memory c = next(ACCEPT);
        // A colleague, the person's own institution, a person elsewhere, a supervisor.
        uint32[4] memory thieves = [APPROVER, NOTARY_OFFICE, APPRAISER, REGULATOR];
        for (uint256 i; i < thieves.length; ++i) {
            refuse(c, forgedStatement(c, HANDLES, 1, NOTARY, thieves[i]), invalid(NOTARY));
        }
        take(c, NOTARY, HANDLES);
    }

    function test_nobody_seals_for_another_institution() public overEitherZ {
        Claim memory c = opening();
        uint32[3] memory thieves = [NOTARY, PRISON, CROWD];
        for (uint256 i; i < thieves.length; ++i) {
            refuse(c, forgedStatement(c, SEAL, 1, NOTARY_OFFICE, thieves[i]), invalid(NOTARY_OFFICE));
        }
        open();
        c = next(VISIT);
        c.flags = IRREGULAR;
        refuse(c, forgedStatement(c, ANSWERS, 1, NOTARY_OFFICE, NOTARY), invalid(NOTARY_OFFICE));
    }

    function test_one_person_does_not_sign_for_two() public overEitherZ {
        open();
        Claim memory c = next(TWO);
        bytes32 id = registry.contractId();
        bytes memory first = wire(1, HANDLES, 2, NOTARY, id, Sm3.hash(pack(c)));
        bytes memory second = wire(1, APPROVES, 2, APPROVER, id, Sm3.hash(pack(c)));
        refuse(c, bytes.concat(first, forgedStatement(c, APPROVES, 2, APPROVER, NOTARY)), invalid(APPROVER));
        refuse(c, bytes.concat(forgedStatement(c, HANDLES, 2, NOTARY, APPROVER), second), invalid(NOTARY));
        take(c, bytes.concat(first, second));
    }

    function test_nobody_signs_for_the_other_side() public overEitherZ {
        open();
        Claim memory c = next(AGREE);
        c.counterparty = APPRAISERS;
        bytes memory own = wire(1, SEAL, 2, NOTARY_OFFICE, registry.contractId(), Sm3.hash(pack(c)));
        bytes memory others = forgedStatement(c, OTHER_SEAL, 2, APPRAISERS, NOTARY_OFFICE);
        refuse(c, bytes.concat(own, others), invalid(APPRAISERS));
    }

    function test_a_members_keys_do_not_sign_for_each_other() public overEitherZ {
        renewPractitioner(NOTARY, "second");
        open();
        Claim memory c = next(ACCEPT);
        (uint256 first, uint256 second) = (privateKey(NOTARY), privateKey(NOTARY, "second"));
        bytes memory text = message(1, HANDLES, 1, NOTARY, registry.contractId(), Sm3.hash(pack(c)));
        refuse(c, forged(text, 1, second, first), invalid(NOTARY, 1));
        refuse(c, forged(text, 0, first, second), invalid(NOTARY));
        take(c, forged(text, 1, second, second));
    }

    // Batches

    function test_nobody_anchors_for_another_operator() public overEitherZ {
        admitInstitution(SECOND_OPERATOR, 9, 0);
        bytes memory header = abi.encodePacked(OPERATOR, new bytes(19), uint8(1), keccak256("root"), bytes32(0));
        bytes memory text = message(4, 0, 1, OPERATOR, batches.contractId(), Sm3.hash(header));
        uint32[3] memory thieves = [SECOND_OPERATOR, REGULATOR, NOTARY];
        for (uint256 i; i < thieves.length; ++i) {
            bytes memory signature = forged(text, OPERATOR, thieves[i]);
            vm.expectRevert(invalid(OPERATOR));
            batches.anchor(header, signature);
        }
        assertEq(batches.recordOf(Sm3.hash(header)), 0);
        batches.anchor(header, forged(text, OPERATOR, OPERATOR));
    }

    // Decisions

    function test_nobody_votes_for_another_voter() public overEitherZ {
        bytes memory action = suspendAction(PRISON);
        uint64 number = institutions.decisions() + 1;
        uint48 expires = uint48(START + 1 days);
        bytes memory decided = abi.encodePacked(uint8(0x80), number, expires, institutions.contractId(), action);
        bytes memory one = act(decided, 2, NOTARY_OFFICE);
        // A voter votes twice, one that is to be suspended votes, somebody votes who has no vote.
        uint32[3] memory thieves = [NOTARY_OFFICE, PRISON, NOTARY];
        for (uint256 i; i < thieves.length; ++i) {
            bytes memory votes_ = bytes.concat(one, forgedAct(decided, 2, REGULATOR, thieves[i]));
            vm.expectRevert(invalid(REGULATOR));
            institutions.execute(action, number, expires, votes_, "");
        }
        bytes memory first = bytes.concat(forgedAct(decided, 2, NOTARY_OFFICE, REGULATOR), act(decided, 2, REGULATOR));
        vm.expectRevert(invalid(NOTARY_OFFICE));
        institutions.execute(action, number, expires, first, "");
        assertEq(institutions.decisions(), number - 1);
        execute(action);
    }

    function test_nobody_decides_for_the_voters_in_a_registry() public overEitherZ {
        bytes memory action = abi.encodePacked(uint8(0x21), tableDigest, uint48(5));
        uint64 number = institutions.decisions() + 1;
        uint48 expires = uint48(START + 1 days);
        bytes memory decided = abi.encodePacked(uint8(0x80), number, expires, registry.contractId(), action);
        bytes memory votes_ =
            bytes.concat(act(decided, 2, NOTARY_OFFICE), forgedAct(decided, 2, REGULATOR, NOTARY_OFFICE));
        vm.expectRevert(invalid(REGULATOR));
        registry.endTable(tableDigest, 5, number, expires, votes_);
    }

    // What institutions, regulators and keys do by themselves

    function test_nobody_admits_for_another() public overEitherZ {
        IInstitutions.Admission memory a = admission(NEWCOMER, NOTARY_OFFICE, 1, SELF);
        bytes memory action =
            abi.encodePacked(uint8(1), NEWCOMER, NOTARY_OFFICE, uint8(1), SELF, a.x, a.y, a.identityRoot);
        bytes memory own = possession(a);
        // The institution without the regulator, the regulator without the institution.
        bytes memory made = forgedAct(action, 2, REGULATOR, NOTARY_OFFICE);
        bytes memory alone = bytes.concat(act(action, 2, NOTARY_OFFICE), made);
        vm.expectRevert(invalid(REGULATOR));
        institutions.admitPractitioner(a, alone, own);
        alone = bytes.concat(forgedAct(action, 2, NOTARY_OFFICE, REGULATOR), act(action, 2, REGULATOR));
        vm.expectRevert(invalid(NOTARY_OFFICE));
        institutions.admitPractitioner(a, alone, own);
        assertEq(institutions.member(NEWCOMER).status, 0);
        institutions.admitPractitioner(a, admissionSignatures(a, NOTARY_OFFICE, REGULATOR), own);
    }

    function test_nobody_suspends_for_another() public overEitherZ {
        bytes memory action = abi.encodePacked(uint8(3), NOTARY, uint32(0));
        uint32[3] memory thieves = [APPRAISERS, NOTARY, APPROVER];
        for (uint256 i; i < thieves.length; ++i) {
            bytes memory signature = forgedAct(action, 1, NOTARY_OFFICE, thieves[i]);
            vm.expectRevert(invalid(NOTARY_OFFICE));
            institutions.suspendPractitioner(NOTARY, signature);
            signature = forgedAct(action, 1, REGULATOR, thieves[i]);
            vm.expectRevert(invalid(REGULATOR));
            institutions.suspendPractitioner(NOTARY, signature);
        }
        assertEq(institutions.member(NOTARY).status, 1);
        institutions.suspendPractitioner(NOTARY, act(action, 1, NOTARY_OFFICE));
    }

    function test_nobody_reinstates_for_another() public overEitherZ {
        institutions.suspendPractitioner(NOTARY, suspension(NOTARY, REGULATOR));
        bytes memory action = abi.encodePacked(uint8(4), NOTARY, uint32(1), uint8(0));
        bytes memory alone = bytes.concat(act(action, 2, NOTARY_OFFICE), forgedAct(action, 2, REGULATOR, NOTARY));
        vm.expectRevert(invalid(REGULATOR));
        institutions.reinstatePractitioner(NOTARY, 0, alone);
        alone = bytes.concat(forgedAct(action, 2, NOTARY_OFFICE, NOTARY), act(action, 2, REGULATOR));
        vm.expectRevert(invalid(NOTARY_OFFICE));
        institutions.reinstatePractitioner(NOTARY, 0, alone);
        assertEq(institutions.member(NOTARY).status, 2);
        institutions.reinstatePractitioner(NOTARY, 0, two(action, NOTARY_OFFICE, REGULATOR));
    }

    function test_nobody_renews_for_another() public overEitherZ {
        IInstitutions.NewKey memory k = newKey(NOTARY, "second");
        bytes memory action = keyActBytes(5, k);
        bytes memory own = proof(k, "second", 1);
        bytes memory alone = bytes.concat(act(action, 2, NOTARY_OFFICE), forgedAct(action, 2, REGULATOR, NOTARY));
        refuseRenewal(k, alone, own, invalid(REGULATOR));
        alone = bytes.concat(forgedAct(action, 2, NOTARY_OFFICE, NOTARY), act(action, 2, REGULATOR));
        refuseRenewal(k, alone, own, invalid(NOTARY_OFFICE));
        assertEq(nextIndex(NOTARY), 1);
        renewPractitioner(NOTARY, "second");
    }

    function test_nobody_revokes_another_key() public overEitherZ {
        renewPractitioner(NOTARY, "second");
        bytes memory action = abi.encodePacked(uint8(2), NOTARY, uint8(0), uint48(0));
        uint32[3] memory thieves = [NOTARY_OFFICE, REGULATOR, APPROVER];
        for (uint256 i; i < thieves.length; ++i) {
            bytes memory signature = forgedAct(action, 1, NOTARY, thieves[i]);
            vm.expectRevert(invalid(NOTARY));
            institutions.revokeKey(NOTARY, 0, 0, signature);
        }
        // Nor with another key of its own.
        bytes memory text = message(5, 0, 1, NOTARY, institutions.contractId(), Sm3.hash(action));
        bytes memory others = forged(text, 0, privateKey(NOTARY), privateKey(NOTARY, "second"));
        vm.expectRevert(invalid(NOTARY));
        institutions.revokeKey(NOTARY, 0, 0, others);
        assertEq(institutions.member(NOTARY).openKeys, 0x0102);
        revoke(NOTARY);
    }

    function test_nobody_recovers_for_another() public overEitherZ {
        registerRecovery(PRISON, "vault");
        registerRecovery(APPRAISERS, "vault");
        IInstitutions.NewKey memory k = newKey(PRISON, "second");
        bytes memory text = message(5, 0, 1, PRISON, institutions.contractId(), Sm3.hash(keyActBytes(6, k)));
        bytes memory own = proof(k, "second", 1);
        // Its ordinary key, another institution's recovery key, the voters' keys, the key that is to come.
        uint256[4] memory thieves =
            [privateKey(PRISON), privateKey(APPRAISERS, "vault"), privateKey(REGULATOR), privateKey(PRISON, "second")];
        for (uint256 i; i < thieves.length; ++i) {
            bytes memory signature = forged(text, RECOVERY, privateKey(PRISON, "vault"), thieves[i]);
            vm.expectRevert(invalid(PRISON, RECOVERY));
            institutions.recover(k, signature, own);
        }
        recover(PRISON, "vault", "second");
    }

    // Possession

    function forgedPossession(uint32 number, uint256 d, uint8 custody, uint8 keyIndex, uint256 thief)
        private
        view
        returns (bytes memory)
    {
        (, uint256 x, uint256 y) = publicKey(d);
        bytes32 digest = Sm3.hash(abi.encodePacked(number, x, y, custody));
        return forged(message(6, 0, 1, number, institutions.contractId(), digest), keyIndex, d, thief);
    }

    function test_nobody_brings_the_key_of_somebody_else() public overEitherZ {
        IInstitutions.Admission memory a = admission(NEWCOMER, NOTARY_OFFICE, 1, SELF);
        bytes memory admitters = admissionSignatures(a, NOTARY_OFFICE, REGULATOR);
        uint32[3] memory thieves = [NOTARY_OFFICE, REGULATOR, NOTARY];
        for (uint256 i; i < thieves.length; ++i) {
            bytes memory own = forgedPossession(NEWCOMER, privateKey(NEWCOMER), SELF, 0, privateKey(thieves[i]));
            vm.expectRevert(invalid(NEWCOMER));
            institutions.admitPractitioner(a, admitters, own);
        }
        assertEq(institutions.member(NEWCOMER).status, 0);
        institutions.admitPractitioner(a, admitters, possession(a));
    }

    function test_the_key_before_does_not_prove_possession_of_the_next() public overEitherZ {
        IInstitutions.NewKey memory k = newKey(NOTARY, "second");
        bytes memory admitters = two(keyActBytes(5, k), NOTARY_OFFICE, REGULATOR);
        bytes memory own = forgedPossession(NOTARY, privateKey(NOTARY, "second"), SELF, 1, privateKey(NOTARY));
        refuseRenewal(k, admitters, own, invalid(NOTARY, 1));
        k = newKey(PRISON, "second");
        own = forgedPossession(PRISON, privateKey(PRISON, "second"), SELF, 1, privateKey(PRISON));
        refuse(newKeyBytes(k), own, invalid(PRISON, 1));
        own = forgedPossession(PRISON, privateKey(PRISON, "vault"), 0, RECOVERY, privateKey(PRISON));
        refuse(recoveryAction(PRISON, "vault"), own, invalid(PRISON, RECOVERY));
        own = forgedPossession(SECOND_OPERATOR, privateKey(SECOND_OPERATOR), SELF, 0, privateKey(OPERATOR));
        refuse(admitAction(SECOND_OPERATOR, 9, 0), own, invalid(SECOND_OPERATOR));
        registerRecovery(PRISON, "vault");
        IInstitutions.NewKey memory back = newKey(PRISON, "third");
        bytes memory recovery = recoverySignature(back, "vault");
        own = forgedPossession(PRISON, privateKey(PRISON, "third"), SELF, 1, privateKey(PRISON, "vault"));
        vm.expectRevert(invalid(PRISON, 1));
        institutions.recover(back, recovery, own);
    }
}
