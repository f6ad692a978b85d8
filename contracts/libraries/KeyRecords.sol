// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title The word in which a key's holder and validity are kept
/// @notice `number u32 ‖ institution u32 ‖ role or function u8 ‖ key index u8 ‖ custody u8 ‖ valid from u48 ‖ valid until
/// u48 ‖ compromised since u48 ‖ 3 zero bytes` (SPEC §5.3).
library KeyRecords {
    error KeyUnknown(uint32 signer, uint8 keyIndex);
    error KeyNotValid(uint32 signer, uint8 keyIndex, uint48 validUntil);

    /// Custody by which the operator of a service holds the key.
    uint8 internal constant HOSTED = 3;

    /// End of a key that nothing has ended.
    uint48 private constant OPEN = type(uint48).max;

    /// @notice The record of a key that is valid from this block on.
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
    function ended(bytes32 record) internal view returns (bytes32) {
        return bytes32((uint256(record) & ~(uint256(OPEN) << 72)) | (block.timestamp << 72));
    }

    /// @notice Reverts unless the record exists and its key is valid in this block. A key that ends in a block signs
    /// nothing more from the ending transaction on.
    function requireValid(bytes32 record, uint32 signer, uint8 keyIndex) internal pure {
        if (record == 0) revert KeyUnknown(signer, keyIndex);
        if (!isOpen(record)) revert KeyNotValid(signer, keyIndex, validUntil(record));
    }

    /// @notice Whether nothing has ended the key.
    function isOpen(bytes32 record) internal pure returns (bool) {
        return validUntil(record) == OPEN;
    }

    function institution(bytes32 record) internal pure returns (uint32) {
        return uint32(uint256(record) >> 192);
    }

    /// @notice Role of an institution, function of a practitioner.
    function role(bytes32 record) internal pure returns (uint8) {
        return uint8(record[8]);
    }

    function custody(bytes32 record) internal pure returns (uint8) {
        return uint8(record[10]);
    }

    function validUntil(bytes32 record) internal pure returns (uint48) {
        return uint48(uint256(record) >> 72);
    }
}
