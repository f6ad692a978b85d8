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

    // Storage proofs rely on the first slot (SPEC §6).
    mapping(bytes32 headerDigest => bytes32 record) private _records;
    mapping(uint32 operator => Last) private _last;

    /// @inheritdoc IBatchAnchor
    IInstitutions public immutable institutions;
    /// @inheritdoc IBatchAnchor
    ISm2Verifier public immutable verifier;
    /// @inheritdoc IBatchAnchor
    bytes32 public immutable contractId;

    constructor(IInstitutions institutions_) {
        institutions = institutions_;
        verifier = institutions_.verifier();
        contractId = SignedMessages.contractIdHere(institutions_.foundingDigest());
    }

    /// @inheritdoc IBatchAnchor
    function anchor(bytes calldata header, bytes calldata signature) external {
        if (header.length != LENGTH) revert HeaderLength(LENGTH, header.length);
        uint32 operator = uint32(bytes4(header[0:4]));
        uint64 batch = uint64(bytes8(header[4:12]));
        uint64 first = uint64(bytes8(header[12:20]));
        uint32 count = uint32(bytes4(header[20:24]));
        if (count == 0 || count > MAX_COUNT) revert BatchCount(MAX_COUNT, count);
        if (bytes32(header[24:56]) == 0) revert BatchRootMissing();
        SignedMessages.Signature memory signed = signature.only(operator);

        Last storage last = _last[operator];
        if (batch != last.batches) revert BatchNumber(last.batches, batch);
        if (first != last.leaves) revert BatchFirst(last.leaves, first);
        if (bytes32(header[56:88]) != last.headerDigest) {
            revert BatchPrevious(last.headerDigest, bytes32(header[56:88]));
        }
        SignedMessages.Key memory key = _requireOperator(signed);

        bytes32 digest = Sm3.hash(header);
        SignedMessages.requireSigned(
            verifier,
            key,
            signed,
            SignedMessages.Subject({tag: SignedMessages.TAG_BATCH, count: 1, contractId: contractId, digest: digest})
        );

        _records[digest] =
            bytes32(abi.encodePacked(uint48(block.timestamp), uint48(block.number), ANCHORED, bytes19(0)));
        last.headerDigest = digest;
        last.batches = batch + 1;
        last.leaves = first + count;
        emit BatchAnchored(digest, operator, batch, header, signature);
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
        if (header.length != LENGTH || _records[Sm3.hash(header)] == 0) return false;
        return Sm3Merkle.verify(leaf, index, uint32(bytes4(header[20:24])), path, bytes32(header[24:56]));
    }

    /// The key of an operator that is valid now.
    function _requireOperator(SignedMessages.Signature memory signed)
        private
        view
        returns (SignedMessages.Key memory key)
    {
        bytes32 keyRecord;
        (key.z, key.x, key.y, keyRecord) = institutions.keyAt(signed.signer, signed.keyIndex);
        keyRecord.requireValid(signed.signer, signed.keyIndex);
        // Functions of practitioners end at 3, so none of them passes for an operator.
        if (keyRecord.role() != OPERATOR) revert OperatorRole(OPERATOR, keyRecord.role());
    }
}
