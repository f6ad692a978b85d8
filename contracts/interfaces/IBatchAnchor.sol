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
    /// @notice From here on no batch is anchored any more. `successor` is zero where there is none.
    event AnchorClosed(address indexed successor);

    error HeaderLength(uint256 expected, uint256 got);
    error BatchCount(uint256 maximum, uint256 got);
    error BatchRootMissing();
    error BatchNumber(uint64 expected, uint64 got);
    error BatchFirst(uint64 expected, uint64 got);
    error BatchPrevious(bytes32 expected, bytes32 got);
    error OperatorRole(uint8 expected, uint8 got);
    error ContractClosed(address successor);

    /// @notice Anchors the operator's next batch; anyone may send it.
    /// @param header 88 bytes: `operator u32 ‖ batch u64 ‖ first u64 ‖ count u32 ‖ root ‖ previous`.
    /// @param signature 70 bytes (SPEC §2.3), the operator's, tag 4.
    function anchor(bytes calldata header, bytes calldata signature) external;

    /// @notice Closes this contract one way, by a decision (SPEC §5.2, action 0x22) that names this contract's id.
    /// @param successor_ where batches go from now on; zero where there is none.
    /// @param signatures as of `IInstitutions.execute`, like `number` and `expires`.
    function close(address successor_, uint64 number, uint48 expires, bytes calldata signatures) external;

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

    /// @notice Whether `leaf` (a leaf hash, SPEC §4.1) stands at `index` of the content whose root is `content`: so anyone
    /// can check a field, an attachment or a record of a record set against the content root of a recorded statement, and
    /// a field of a record against the record root. Whether that root was ever recorded is not looked at here.
    /// @param contentType 1 statement, 2 record, 3 identity card (SPEC §4.2).
    /// @param schema schema id.
    /// @param count leaves of the content.
    function checkContent(
        bytes32 content,
        uint8 contentType,
        uint32 schema,
        uint32 count,
        bytes32 leaf,
        uint256 index,
        bytes32[] calldata path
    ) external pure returns (bool);

    /// @notice Whether a decision closed this contract.
    function closed() external view returns (bool);

    /// @notice Where batches go since this contract is closed; zero where there is none, or while it is open.
    function successor() external view returns (address);

    function institutions() external view returns (IInstitutions);

    function verifier() external view returns (ISm2Verifier);

    /// @notice This contract's id (SPEC §2.5).
    function contractId() external view returns (bytes32);
}
