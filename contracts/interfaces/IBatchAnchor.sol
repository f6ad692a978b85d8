// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IInstitutions} from "./IInstitutions.sol";
import {ISm2Verifier} from "./ISm2Verifier.sol";

/// @title The batch lane
/// @notice Fixes the Merkle roots of the operators' batches, each operator's batches numbered without a gap. Who sends
/// a transaction never matters. What the leaves hold is not looked at here. Bytes: SPEC §6.
interface IBatchAnchor {
    /// @notice A batch header (88 bytes) with the operator's signature (70 bytes).
    event BatchAnchored(
        bytes32 indexed headerDigest, uint32 indexed operator, uint64 indexed batch, bytes header, bytes signature
    );

    error HeaderLength(uint256 expected, uint256 got);
    error BatchCount(uint256 maximum, uint256 got);
    error BatchRootMissing();
    error BatchNumber(uint64 expected, uint64 got);
    error BatchFirst(uint64 expected, uint64 got);
    error BatchPrevious(bytes32 expected, bytes32 got);
    error OperatorRole(uint8 expected, uint8 got);

    /// @notice Anchors the operator's next batch; anyone may send it.
    /// @param header 88 bytes: `operator u32 ‖ batch u64 ‖ first u64 ‖ count u32 ‖ root ‖ previous`.
    /// @param signature 70 bytes (SPEC §2.3), the operator's, tag 4.
    function anchor(bytes calldata header, bytes calldata signature) external;

    /// @notice The record word of a batch (SPEC §6), by SM3 of its header; zero where there is none.
    function recordOf(bytes32 headerDigest) external view returns (bytes32);

    /// @notice What an operator's next header must say: its `batch`, `first` and `previous`.
    function lastOf(uint32 operator) external view returns (uint64 batches, uint64 leaves, bytes32 headerDigest);

    /// @notice Whether `header` is anchored here and `leaf` (a leaf hash, SPEC §6) stands at `index` of its tree.
    /// @dev False, never a revert, for a header of another length.
    function checkLeaf(bytes calldata header, bytes32 leaf, uint256 index, bytes32[] calldata path)
        external
        view
        returns (bool);

    function institutions() external view returns (IInstitutions);

    function verifier() external view returns (ISm2Verifier);

    /// @notice This contract's id (SPEC §2.5).
    function contractId() external view returns (bytes32);
}
