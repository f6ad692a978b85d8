// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IBatchAnchor} from "./interfaces/IBatchAnchor.sol";
import {IInstitutions} from "./interfaces/IInstitutions.sol";
import {ISm2Verifier} from "./interfaces/ISm2Verifier.sol";
import {KeyRecords} from "./libraries/KeyRecords.sol";
import {SignedMessages} from "./libraries/SignedMessages.sol";
import {Sm3} from "./libraries/Sm3.sol";
import {Sm3Merkle} from "./libraries/Sm3Merkle.sol";

/// @title BatchAnchor
contract BatchAnchor is IBatchAnchor {
    using KeyRecords for bytes32;
    using SignedMessages for bytes;

    /// What an operator has anchored so far.
    struct Last {
        bytes32 headerDigest;
        uint64 batches;
        uint64 leaves;
    }

    uint256 private constant LENGTH = 88;
    uint256 private constant MAX_COUNT = 65_536;
    uint8 private constant OPERATOR = 9;
    uint8 private constant ANCHORED = 1;
    uint8 private constant CLOSE = 0x22;
    uint8 private constant CONTENT = 0x04;

    // Storage proofs rely on the first slot (SPEC §6).
    mapping(bytes32 headerDigest => bytes32 record) private _records;
    mapping(uint32 operator => Last) private _last;
    /// @inheritdoc IBatchAnchor
    bool public closed;
    /// @inheritdoc IBatchAnchor
    address public successor;

    /// @inheritdoc IBatchAnchor
    IInstitutions public immutable institutions;
    /// @inheritdoc IBatchAnchor
    ISm2Verifier public immutable verifier;
    /// @inheritdoc IBatchAnchor
    bytes32 public immutable contractId;

    constructor(IInstitutions institutions_) {
        institutions = institutions_;
        verifier = institutions_.verifier();
        contractId = Sm3.hash(SignedMessages.contractIdBytes(address(this), institutions_.foundingDigest()));
    }

    /// @inheritdoc IBatchAnchor
    function anchor(bytes calldata header, bytes calldata signature) external {
        if (header.length != LENGTH) revert HeaderLength(LENGTH, header.length);
        uint256 head = uint256(bytes32(header));
        uint32 operator = uint32(head >> 224);
        uint64 batch = uint64(head >> 160);
        uint64 first = uint64(head >> 96);
        uint32 count = uint32(head >> 64);
        if (count == 0 || count > MAX_COUNT) revert BatchCount(MAX_COUNT, count);
        if (bytes32(header[24:56]) == 0) revert BatchRootMissing();
        SignedMessages.Signature memory signed = signature.onlyBy(operator);
        _requireOpen();

        Last storage last = _last[operator];
        _requireNext(last, batch, first, bytes32(header[56:88]));
        bytes32 digest = Sm3.hash(header);
        _requireOperator(signed, digest);

        _records[digest] = bytes32(
            uint256(uint48(block.timestamp)) << 208 | uint256(uint48(block.number)) << 160 | uint256(ANCHORED) << 152
        );
        last.headerDigest = digest;
        (last.batches, last.leaves) = (batch + 1, first + count);
        emit BatchAnchored(digest, operator, batch, header, signature);
    }

    /// @inheritdoc IBatchAnchor
    function close(address successor_, uint64 number, uint48 expires, bytes calldata signatures) external {
        _requireOpen();
        institutions.consumeDecision(abi.encodePacked(CLOSE, successor_), number, expires, signatures);
        closed = true;
        // Zero means that there is no successor.
        // slither-disable-next-line missing-zero-check
        successor = successor_;
        emit AnchorClosed(successor_);
    }

    /// @inheritdoc IBatchAnchor
    function recordOf(bytes32 headerDigest) external view returns (bytes32) {
        return _records[headerDigest];
    }

    /// @inheritdoc IBatchAnchor
    function lastOf(uint32 operator) external view returns (uint64 batches, uint64 leaves, bytes32 headerDigest) {
        Last storage last = _last[operator];
        return (last.batches, last.leaves, last.headerDigest);
    }

    /// @inheritdoc IBatchAnchor
    function checkLeaf(bytes calldata header, bytes32 leaf, uint256 index, bytes32[] calldata path)
        external
        view
        returns (bool)
    {
        if (header.length != LENGTH) return false;
        // Zero means that nothing was recorded: no balance is compared.
        // slither-disable-next-line incorrect-equality
        if (_records[Sm3.hash(header)] == 0) return false;
        return Sm3Merkle.verify(leaf, index, uint32(bytes4(header[20:24])), path, bytes32(header[24:56]));
    }

    /// @inheritdoc IBatchAnchor
    function checkContent(
        bytes32 content,
        uint8 contentType,
        uint32 schema,
        uint32 count,
        bytes32 leaf,
        uint256 index,
        bytes32[] calldata path
    ) external pure returns (bool) {
        (bool fits, bytes32 root) = Sm3Merkle.rootFrom(leaf, index, count, path);
        return fits && Sm3.hash(abi.encodePacked(CONTENT, contentType, schema, count, root)) == content;
    }

    function _requireOpen() private view {
        if (closed) revert ContractClosed(successor);
    }

    function _requireNext(Last storage last, uint64 batch, uint64 first, bytes32 previous) private view {
        if (batch != last.batches) revert BatchNumber(last.batches, batch);
        if (first != last.leaves) revert BatchFirst(last.leaves, first);
        if (previous != last.headerDigest) revert BatchPrevious(last.headerDigest, previous);
    }

    /// Requires the header signed by a key of an operator that is valid now.
    function _requireOperator(SignedMessages.Signature memory signed, bytes32 digest) private view {
        (bytes32 z, address key, bytes32 record,) = institutions.keyOf(signed.signer, signed.keyIndex);
        record.requireValid(signed.signer, signed.keyIndex);
        // Functions of practitioners end at 4, so none of them passes for an operator.
        if (record.role() != OPERATOR) revert OperatorRole(OPERATOR, record.role());
        SignedMessages.Subject memory subject =
            SignedMessages.Subject({tag: SignedMessages.TAG_BATCH, count: 1, contractId: contractId, digest: digest});
        bytes32 e = Sm3.hash(SignedMessages.signedBytes(z, signed, subject));
        if (!verifier.verifyWithKey(e, signed.r, signed.s, key)) {
            revert SignedMessages.SignatureInvalid(signed.signer, signed.keyIndex);
        }
    }
}
