// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title The word in which a key period is kept
/// @notice `number u32 ‖ institution u32 ‖ role or function u8 ‖ key index u8 ‖ custody u8 ‖ valid from u48 ‖ valid until
/// u48 ‖ compromised since u48 ‖ ended by u8 ‖ 2 zero bytes` (SPEC §5.3).
library KeyRecords {
    error KeyUnknown(uint32 signer, uint8 keyIndex);
    error KeyNotValid(uint32 signer, uint8 keyIndex, uint48 validUntil);

    /// Custody by which the operator of a service holds the key.
    uint8 internal constant HOSTED = 3;

    // What ended a period.
    uint8 internal constant REVOKED = 1;
    uint8 internal constant SUSPENDED = 2;
    uint8 internal constant REMOVED = 3;
    uint8 internal constant RECOVERED = 4;

    /// End of a period that nothing has ended.
    uint48 private constant OPEN = type(uint48).max;

    /// @notice The record of a period that starts in this block.
    function open(uint32 holder, uint32 of_, uint8 role_, uint8 keyIndex, uint8 custody_)
        internal
        view
        returns (bytes32)
    {
        return bytes32(
            abi.encodePacked(
                holder, of_, role_, keyIndex, custody_, uint48(block.timestamp), OPEN, uint48(0), uint24(0)
            )
        );
    }

    /// @notice The record with its end moved to this block. The caller has made sure that it is open.
    function ended(bytes32 record, uint8 by) internal view returns (bytes32) {
        return bytes32(
            (uint256(record) & ~(uint256(OPEN) << 72)) | (uint256(uint48(block.timestamp)) << 72) | (uint256(by) << 16)
        );
    }

    /// @notice The record with another date since when the key counts as compromised.
    function compromised(bytes32 record, uint48 since) internal pure returns (bytes32) {
        return bytes32((uint256(record) & ~(uint256(type(uint48).max) << 24)) | (uint256(since) << 24));
    }

    /// @notice Reverts unless the record exists and its period is open. A key that ends in a block signs nothing more
    /// from the ending transaction on.
    function requireValid(bytes32 record, uint32 signer, uint8 keyIndex) internal pure {
        if (record == 0) revert KeyUnknown(signer, keyIndex);
        if (!isOpen(record)) revert KeyNotValid(signer, keyIndex, validUntil(record));
    }

    /// @notice Whether nothing has ended the period.
    function isOpen(bytes32 record) internal pure returns (bool) {
        return validUntil(record) == OPEN;
    }

    function institution(bytes32 record) internal pure returns (uint32) {
        return uint32(uint256(record) >> 192);
    }

    /// @notice Role of an institution, function of a practitioner.
    function role(bytes32 record) internal pure returns (uint8) {
        return uint8(uint256(record) >> 184);
    }

    function custody(bytes32 record) internal pure returns (uint8) {
        return uint8(uint256(record) >> 168);
    }

    function validUntil(bytes32 record) internal pure returns (uint48) {
        return uint48(uint256(record) >> 72);
    }

    function compromisedSince(bytes32 record) internal pure returns (uint48) {
        return uint48(uint256(record) >> 24);
    }
}
