// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IInstitutions} from "../interfaces/IInstitutions.sol";

/// @title The bytes of what founders, members and voters sign about each other
/// @notice Founding (SPEC §5.1), acts and actions of decisions (SPEC §5.2). Nothing here looks at what the bytes mean.
library Acts {
    uint8 internal constant ADMIT_PRACTITIONER = 0x01;
    uint8 internal constant REVOKE_KEY = 0x02;
    uint8 internal constant SUSPEND_PRACTITIONER = 0x03;
    uint8 internal constant REINSTATE_PRACTITIONER = 0x04;
    uint8 internal constant RENEW_PRACTITIONER_KEY = 0x05;
    uint8 internal constant RECOVER = 0x06;
    uint8 internal constant ADMIT_INSTITUTION = 0x10;
    uint8 internal constant SUSPEND_INSTITUTION = 0x11;
    uint8 internal constant REINSTATE_INSTITUTION = 0x12;
    uint8 internal constant REMOVE_INSTITUTION = 0x13;
    uint8 internal constant RENEW_INSTITUTION_KEY = 0x14;
    uint8 internal constant CHANGE_THRESHOLD = 0x15;
    uint8 internal constant REGISTER_RECOVERY_KEY = 0x16;
    uint8 internal constant MARK_COMPROMISED = 0x17;
    uint8 internal constant DECISION = 0x80;

    /// @notice Bytes of an action of this kind; 0 where `Institutions` executes none.
    function lengthOf(uint8 kind) internal pure returns (uint256) {
        if (kind == ADMIT_INSTITUTION) return 104;
        if (kind == SUSPEND_INSTITUTION || kind == REMOVE_INSTITUTION) return 5;
        if (kind == REINSTATE_INSTITUTION) return 6;
        if (kind == RENEW_INSTITUTION_KEY) return 102;
        if (kind == CHANGE_THRESHOLD) return 2;
        if (kind == REGISTER_RECOVERY_KEY) return 69;
        if (kind == MARK_COMPROMISED) return 12;
        return 0;
    }

    /// @notice The number behind the first byte, whose member most actions are about.
    function numberIn(bytes calldata action) internal pure returns (uint32) {
        return uint32(bytes4(action[1:5]));
    }

    /// @notice A new key as it stands in an action: the number behind the first byte, the rest from `offset` to the end.
    function newKeyIn(bytes calldata action, uint256 offset) internal pure returns (IInstitutions.NewKey memory) {
        return IInstitutions.NewKey({
            number: numberIn(action),
            custody: uint8(action[offset]),
            x: uint256(bytes32(action[offset + 1:offset + 33])),
            y: uint256(bytes32(action[offset + 33:offset + 65])),
            identityRoot: bytes32(action[offset + 65:offset + 97])
        });
    }

    /// @param changes how often the holder was suspended or reinstated: an act that was kept back is void afterwards.
    function newKey(uint8 kind, IInstitutions.NewKey calldata key, uint32 changes)
        internal
        pure
        returns (bytes memory)
    {
        return abi.encodePacked(kind, key.number, changes, key.custody, key.x, key.y, key.identityRoot);
    }

    function admission(IInstitutions.Admission calldata of_) internal pure returns (bytes memory) {
        return abi.encodePacked(
            ADMIT_PRACTITIONER,
            of_.number,
            of_.institution,
            of_.practitionerFunction,
            of_.custody,
            of_.x,
            of_.y,
            of_.identityRoot
        );
    }

    function founding(uint8 threshold, bytes32 verifierCode, bytes32 keysCode, IInstitutions.Founder[] memory founders)
        internal
        pure
        returns (bytes memory all)
    {
        all = abi.encodePacked("tiezheng/founding/1", threshold, verifierCode, keysCode, uint8(founders.length));
        for (uint256 i; i < founders.length; ++i) {
            IInstitutions.Founder memory founder = founders[i];
            all = abi.encodePacked(
                all, founder.number, founder.role, founder.custody, founder.x, founder.y, founder.identityRoot
            );
        }
    }
}
