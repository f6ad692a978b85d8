// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IInstitutions} from "../../../contracts/interfaces/IInstitutions.sol";
import {SignedMessages} from "../../../contracts/libraries/SignedMessages.sol";
import {Sm3} from "../../../contracts/libraries/Sm3.sol";
import {Ledger} from "./Ledger.sol";

/// @notice Members, their further keys, and the actions that are decided about them (SPEC §5.2). A further key has a name,
/// from which its private key comes.
abstract contract Members is Ledger {
    /// Tag, role and count of the signatures that institution and regulator give.
    function two(bytes memory action, uint32 first, uint32 second) internal view returns (bytes memory) {
        bytes32 id = institutions.contractId();
        bytes32 digest = Sm3.hash(action);
        return bytes.concat(wire(5, 0, 2, first, id, digest), wire(5, 0, 2, second, id, digest));
    }

    // Further keys

    function newKey(uint32 number, string memory name) internal view returns (IInstitutions.NewKey memory) {
        (, uint256 x, uint256 y) = publicKey(privateKey(number, name));
        return IInstitutions.NewKey(number, SELF, x, y, keccak256(abi.encode("card", number, name)));
    }

    function zOf(uint32 number, string memory name) internal view returns (bytes32 z) {
        (z,,) = publicKey(privateKey(number, name));
    }

    function newKeyBytes(IInstitutions.NewKey memory k) internal pure returns (bytes memory) {
        return abi.encodePacked(uint8(0x14), k.number, k.custody, k.x, k.y, k.identityRoot);
    }

    /// What a practitioner's further key (5) or a recovery (6) is signed for.
    function keyActBytes(uint8 kind, IInstitutions.NewKey memory k) internal view returns (bytes memory) {
        uint32 changes = institutions.member(k.number).changes;
        return abi.encodePacked(kind, k.number, changes, k.custody, k.x, k.y, k.identityRoot);
    }

    /// Possession of a further key that is to get this index.
    function proof(IInstitutions.NewKey memory k, string memory name, uint8 keyIndex)
        internal
        view
        returns (bytes memory)
    {
        bytes32 digest = Sm3.hash(abi.encodePacked(k.number, k.x, k.y, k.custody));
        return wireBy(privateKey(k.number, name), keyIndex, 6, 1, k.number, digest);
    }

    function recoveryProof(uint32 number, string memory name) internal view returns (bytes memory) {
        IInstitutions.NewKey memory k = newKey(number, name);
        k.custody = 0;
        return proof(k, name, RECOVERY);
    }

    function nextIndex(uint32 number) internal view returns (uint8) {
        return institutions.member(number).keyCount;
    }

    function renewPractitioner(uint32 number, string memory name) internal {
        IInstitutions.NewKey memory k = newKey(number, name);
        bytes memory signatures = two(keyActBytes(5, k), institutions.member(number).institution, REGULATOR);
        institutions.renewPractitionerKey(k, signatures, proof(k, name, nextIndex(number)));
    }

    /// A revocation by any key of a member.
    function revocationBy(uint32 number, string memory name, uint8 keyIndex, uint48 since)
        internal
        view
        returns (bytes memory)
    {
        bytes32 digest = Sm3.hash(abi.encodePacked(uint8(2), number, keyIndex, since));
        return wireBy(privateKey(number, name), keyIndex, 5, 1, number, digest);
    }

    // Actions of decisions

    function admitAction(uint32 number, uint8 role, uint8 voter) internal view returns (bytes memory) {
        (, uint256 x, uint256 y) = keyOf(number);
        return abi.encodePacked(uint8(0x10), number, role, voter, SELF, x, y, cardOf(number));
    }

    /// Possession of an institution's first key.
    function admitProof(uint32 number) internal view returns (bytes memory) {
        (, uint256 x, uint256 y) = keyOf(number);
        return wire(6, 0, 1, number, institutions.contractId(), Sm3.hash(abi.encodePacked(number, x, y, SELF)));
    }

    function admitInstitution(uint32 number, uint8 role, uint8 voter) internal {
        execute(admitAction(number, role, voter), admitProof(number));
    }

    function suspendAction(uint32 number) internal pure returns (bytes memory) {
        return abi.encodePacked(uint8(0x11), number);
    }

    function reinstateAction(uint32 number, uint8 keyIndex) internal pure returns (bytes memory) {
        return abi.encodePacked(uint8(0x12), number, keyIndex);
    }

    function removeAction(uint32 number) internal pure returns (bytes memory) {
        return abi.encodePacked(uint8(0x13), number);
    }

    function renewInstitution(uint32 number, string memory name) internal {
        IInstitutions.NewKey memory k = newKey(number, name);
        execute(newKeyBytes(k), proof(k, name, nextIndex(number)));
    }

    function thresholdAction(uint8 threshold) internal pure returns (bytes memory) {
        return abi.encodePacked(uint8(0x15), threshold);
    }

    function recoveryAction(uint32 number, string memory name) internal view returns (bytes memory) {
        (, uint256 x, uint256 y) = publicKey(privateKey(number, name));
        return abi.encodePacked(uint8(0x16), number, x, y);
    }

    function registerRecovery(uint32 number, string memory name) internal {
        execute(recoveryAction(number, name), recoveryProof(number, name));
    }

    function compromisedAction(uint32 number, uint8 keyIndex, uint48 since) internal pure returns (bytes memory) {
        return abi.encodePacked(uint8(0x17), number, keyIndex, since);
    }

    // Recovery

    function recoverySignature(IInstitutions.NewKey memory k, string memory recoveryName)
        internal
        view
        returns (bytes memory)
    {
        bytes32 digest = Sm3.hash(keyActBytes(6, k));
        return wireBy(privateKey(k.number, recoveryName), RECOVERY, 5, 1, k.number, digest);
    }

    function recover(uint32 number, string memory recoveryName, string memory name) internal {
        IInstitutions.NewKey memory k = newKey(number, name);
        institutions.recover(k, recoverySignature(k, recoveryName), proof(k, name, nextIndex(number)));
    }

    // Refusals

    /// Refused although the voters decided just this.
    function refuse(bytes memory action, bytes memory own, bytes memory reason) internal {
        (uint64 number, uint48 expires, bytes memory signatures) = decide(action, institutions.contractId());
        vm.expectRevert(reason);
        institutions.execute(action, number, expires, signatures, own);
    }

    function refuse(bytes memory action, bytes memory reason) internal {
        refuse(action, "", reason);
    }

    /// Refused with these votes.
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

    /// The refusal of a signature by the key that it names.
    function invalid(uint32 signer, uint8 keyIndex) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(SignedMessages.SignatureInvalid.selector, signer, keyIndex);
    }

    function refuseRenewal(IInstitutions.NewKey memory k, bytes memory signatures, bytes memory own, bytes memory why)
        internal
    {
        vm.expectRevert(why);
        institutions.renewPractitionerKey(k, signatures, own);
    }

    /// A period's record word (SPEC §5.3).
    function periodWord(
        uint32 number,
        uint32 institution,
        uint8 role,
        uint8 keyIndex,
        uint48[3] memory times, // from, until, compromised since
        uint8 endedBy
    ) internal pure returns (bytes32) {
        bytes memory head = abi.encodePacked(number, institution, role, keyIndex, SELF);
        return bytes32(bytes.concat(head, abi.encodePacked(times[0], times[1], times[2], endedBy, uint16(0))));
    }
}
