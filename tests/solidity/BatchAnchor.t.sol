// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {BatchAnchor} from "../../contracts/BatchAnchor.sol";
import {IBatchAnchor} from "../../contracts/interfaces/IBatchAnchor.sol";
import {IInstitutions} from "../../contracts/interfaces/IInstitutions.sol";
import {KeyRecords} from "../../contracts/libraries/KeyRecords.sol";
import {SignedMessages} from "../../contracts/libraries/SignedMessages.sol";
import {Sm3} from "../../contracts/libraries/Sm3.sol";
import {Sm3Merkle} from "../../contracts/libraries/Sm3Merkle.sol";
import {Ledger} from "./support/Ledger.sol";

contract BatchAnchorTest is Ledger {
    bytes32 internal constant LEFT = keccak256("left");
    bytes32 internal constant RIGHT = keccak256("right");

    function header(uint32 operator, uint64 batch, uint64 first, uint32 count, bytes32 root, bytes32 previous)
        internal
        pure
        returns (bytes memory)
    {
        return abi.encodePacked(operator, batch, first, count, root, previous);
    }

    function firstHeader() internal pure returns (bytes memory) {
        return header(OPERATOR, 0, 0, 2, Sm3Merkle.node(LEFT, RIGHT), 0);
    }

    function signed(bytes memory data) internal view returns (bytes memory) {
        return wire(4, 0, 1, OPERATOR, batches.contractId(), Sm3.hash(data));
    }

    function refuse(bytes memory data, bytes memory signature, bytes memory reason) internal {
        vm.expectRevert(reason);
        batches.anchor(data, signature);
    }

    function test_batches_follow_one_another() public {
        bytes memory data = firstHeader();
        bytes memory signature = signed(data);
        bytes32 digest = Sm3.hash(data);
        vm.expectEmit(true, true, true, true, address(batches));
        emit IBatchAnchor.BatchAnchored(digest, OPERATOR, 0, data, signature);
        vm.prank(address(0xa10e)); // anyone may send it
        batches.anchor(data, signature);
        assertEq(
            batches.recordOf(digest),
            bytes32(abi.encodePacked(uint48(block.timestamp), uint48(block.number), uint8(1), bytes19(0)))
        );

        bytes memory second = header(OPERATOR, 1, 2, 65_536, keccak256("root"), digest);
        batches.anchor(second, signed(second));
        (uint64 count, uint64 leaves, bytes32 last) = batches.lastOf(OPERATOR);
        assertEq(count, 2);
        assertEq(leaves, 65_538);
        assertEq(last, Sm3.hash(second));
    }

    function test_a_header_of_another_length_is_refused() public {
        refuse(new bytes(87), "", abi.encodeWithSelector(IBatchAnchor.HeaderLength.selector, 88, 87));
        refuse(new bytes(89), "", abi.encodeWithSelector(IBatchAnchor.HeaderLength.selector, 88, 89));
    }

    function test_a_batch_has_from_one_to_65536_leaves() public {
        bytes memory data = header(OPERATOR, 0, 0, 0, keccak256("root"), 0);
        refuse(data, "", abi.encodeWithSelector(IBatchAnchor.BatchCount.selector, 65_536, 0));
        data = header(OPERATOR, 0, 0, 65_537, keccak256("root"), 0);
        refuse(data, "", abi.encodeWithSelector(IBatchAnchor.BatchCount.selector, 65_536, 65_537));
    }

    function test_a_batch_has_a_root() public {
        bytes memory data = header(OPERATOR, 0, 0, 1, 0, 0);
        refuse(data, "", abi.encodeWithSelector(IBatchAnchor.BatchRootMissing.selector));
    }

    function test_batches_have_no_gap() public {
        bytes memory data = header(OPERATOR, 1, 0, 1, keccak256("root"), 0);
        refuse(data, signed(data), abi.encodeWithSelector(IBatchAnchor.BatchNumber.selector, 0, 1));
        data = header(OPERATOR, 0, 1, 1, keccak256("root"), 0);
        refuse(data, signed(data), abi.encodeWithSelector(IBatchAnchor.BatchFirst.selector, 0, 1));
        data = header(OPERATOR, 0, 0, 1, keccak256("root"), bytes32(uint256(1)));
        refuse(data, signed(data), abi.encodeWithSelector(IBatchAnchor.BatchPrevious.selector, bytes32(0), 1));

        data = firstHeader();
        bytes memory signature = signed(data);
        batches.anchor(data, signature);
        refuse(data, signature, abi.encodeWithSelector(IBatchAnchor.BatchNumber.selector, 1, 0)); // once only
        data = header(OPERATOR, 1, 3, 1, keccak256("root"), Sm3.hash(firstHeader()));
        refuse(data, signed(data), abi.encodeWithSelector(IBatchAnchor.BatchFirst.selector, 2, 3));
    }

    function test_only_operators_anchor() public {
        bytes memory data = header(PRISON, 0, 0, 1, keccak256("root"), 0);
        bytes memory signature = wire(4, 0, 1, PRISON, batches.contractId(), Sm3.hash(data));
        refuse(data, signature, abi.encodeWithSelector(IBatchAnchor.OperatorRole.selector, 9, 3));
    }

    function test_the_operator_of_the_header_signs() public {
        bytes memory data = firstHeader();
        bytes memory signature = wire(4, 0, 1, PRISON, batches.contractId(), Sm3.hash(data));
        refuse(data, signature, abi.encodeWithSelector(SignedMessages.SignerUnexpected.selector, OPERATOR, PRISON));
    }

    function test_the_signature_is_one_without_a_role() public {
        bytes memory data = firstHeader();
        bytes memory good = signed(data);
        refuse(data, "", abi.encodeWithSelector(SignedMessages.SignatureCount.selector, 1, 0));
        refuse(data, bytes.concat(good, good), abi.encodeWithSelector(SignedMessages.SignatureCount.selector, 1, 2));
        refuse(data, new bytes(69), abi.encodeWithSelector(SignedMessages.SignatureLength.selector, 70, 69));
        bytes memory changed = bytes.concat(good);
        changed[4] = 0x80;
        refuse(data, changed, abi.encodeWithSelector(SignedMessages.SignatureRole.selector, OPERATOR, 0x80));
        changed = bytes.concat(good);
        changed[5] = 0x01;
        refuse(data, changed, abi.encodeWithSelector(KeyRecords.KeyUnknown.selector, OPERATOR, 1));
        refuse(data, flip(good, 40), abi.encodeWithSelector(SignedMessages.SignatureInvalid.selector, OPERATOR, 0));
        batches.anchor(data, good);
    }

    function test_a_signature_binds_header_tag_and_contract() public {
        bytes memory data = firstHeader();
        bytes memory invalid = abi.encodeWithSelector(SignedMessages.SignatureInvalid.selector, OPERATOR, 0);
        bytes32 digest = Sm3.hash(data);
        refuse(data, wire(1, 0, 1, OPERATOR, batches.contractId(), digest), invalid);
        refuse(data, wire(4, 0, 1, OPERATOR, institutions.contractId(), digest), invalid);
        refuse(data, wire(4, 0, 2, OPERATOR, batches.contractId(), digest), invalid);
        bytes memory other = header(OPERATOR, 0, 0, 2, keccak256("another root"), 0);
        refuse(other, signed(data), invalid);
    }

    function test_a_revoked_operator_anchors_nothing() public {
        revoke(OPERATOR);
        bytes memory data = firstHeader();
        refuse(
            data, signed(data), abi.encodeWithSelector(KeyRecords.KeyNotValid.selector, OPERATOR, 0, block.timestamp)
        );
    }

    function test_a_leaf_is_checked_against_an_anchored_header() public {
        bytes memory data = firstHeader();
        bytes32[] memory path = new bytes32[](1);
        path[0] = LEFT;
        assertFalse(batches.checkLeaf(data, RIGHT, 1, path)); // not anchored yet
        batches.anchor(data, signed(data));
        assertTrue(batches.checkLeaf(data, RIGHT, 1, path));
        assertFalse(batches.checkLeaf(data, LEFT, 1, path));
        assertFalse(batches.checkLeaf(data, RIGHT, 0, path));
        assertFalse(batches.checkLeaf(data, RIGHT, 2, path));
        assertFalse(batches.checkLeaf(data, RIGHT, 1, new bytes32[](0)));
        assertFalse(batches.checkLeaf(data, RIGHT, 1, new bytes32[](2)));
        assertFalse(batches.checkLeaf(flip(data, 50), RIGHT, 1, path));
        assertFalse(batches.checkLeaf(new bytes(87), RIGHT, 1, path));
    }

    // Closing (SPEC §5.2, action 0x22)

    function closing(address successor) internal pure returns (bytes memory) {
        return abi.encodePacked(uint8(0x22), successor);
    }

    function close(address successor) internal {
        (uint64 number, uint48 expires, bytes memory signatures) = decide(closing(successor), batches.contractId());
        batches.close(successor, number, expires, signatures);
    }

    function test_a_decision_closes_one_way() public {
        bytes memory data = firstHeader();
        batches.anchor(data, signed(data));
        assertFalse(batches.closed());
        assertEq(batches.successor(), address(0));
        address next = address(0xbeef);
        (uint64 number, uint48 expires, bytes memory signatures) = decide(closing(next), batches.contractId());
        vm.expectEmit(true, true, true, true, address(institutions));
        emit IInstitutions.DecisionExecuted(
            1,
            address(batches),
            decisionDigest(closing(next), number, expires, batches.contractId()),
            expires,
            closing(next),
            signatures
        );
        vm.expectEmit(true, true, true, true, address(batches));
        emit IBatchAnchor.AnchorClosed(next);
        vm.prank(address(0xa10e)); // anyone may send it
        batches.close(next, number, expires, signatures);
        assertTrue(batches.closed());
        assertEq(batches.successor(), next);

        bytes memory closed = abi.encodeWithSelector(IBatchAnchor.ContractClosed.selector, next);
        bytes memory second = header(OPERATOR, 1, 2, 1, keccak256("root"), Sm3.hash(data));
        refuse(second, signed(second), closed);
        (number, expires, signatures) = decide(closing(address(0)), batches.contractId());
        vm.expectRevert(closed);
        batches.close(address(0), number, expires, signatures);
        // What was anchored is still proven.
        bytes32[] memory path = new bytes32[](1);
        path[0] = LEFT;
        assertTrue(batches.checkLeaf(data, RIGHT, 1, path));
        (uint64 count, uint64 leaves, bytes32 last) = batches.lastOf(OPERATOR);
        assertEq(abi.encode(count, leaves, last), abi.encode(1, 2, Sm3.hash(data)));
    }

    function test_a_contract_closes_without_a_successor() public {
        close(address(0));
        assertTrue(batches.closed());
        bytes memory data = firstHeader();
        refuse(data, signed(data), abi.encodeWithSelector(IBatchAnchor.ContractClosed.selector, address(0)));
    }

    function refuseClosing(address successor, uint48 expires, bytes memory signatures, bytes memory reason) internal {
        vm.expectRevert(reason);
        batches.close(successor, 1, expires, signatures);
        assertFalse(batches.closed());
    }

    function test_only_a_decision_for_this_contract_closes_it() public {
        (, uint48 expires, bytes memory good) = decide(closing(address(1)), batches.contractId());
        bytes memory invalid = abi.encodeWithSelector(SignedMessages.SignatureInvalid.selector, NOTARY_OFFICE, 0);
        refuseClosing(address(2), expires, good, invalid);
        refuseClosing(address(1), expires + 1, good, invalid);
        refuseClosing(address(1), expires, flip(good, 69), invalid);
        refuseClosing(
            address(1), expires, "", abi.encodeWithSelector(IInstitutions.DecisionSignatures.selector, THRESHOLD, 0)
        );
        (,, bytes memory others) = decide(closing(address(1)), institutions.contractId());
        refuseClosing(address(1), expires, others, invalid);
        // Signed for another batch anchor of the same ledger.
        BatchAnchor other = new BatchAnchor(institutions);
        (,, others) = decide(closing(address(1)), other.contractId());
        refuseClosing(address(1), expires, others, invalid);
        batches.close(address(1), 1, expires, good);
    }

    /// forge-config: default.fuzz.runs = 16
    function testFuzz_a_closed_batch_anchor_never_moves(uint64 batch, uint64 first, uint32 count, bytes32 root) public {
        bytes memory data = firstHeader();
        batches.anchor(data, signed(data));
        close(address(1));
        bytes memory other = header(OPERATOR, batch, first, count, root, Sm3.hash(data));
        bytes memory signature = signed(other);
        vm.expectRevert();
        batches.anchor(other, signature);
        assertEq(batches.recordOf(Sm3.hash(other)), 0);
        (uint64 batchCount, uint64 leaves, bytes32 last) = batches.lastOf(OPERATOR);
        assertEq(abi.encode(batchCount, leaves, last), abi.encode(1, 2, Sm3.hash(data)));
    }

    // Contents (SPEC §4)

    /// A statement's content of three leaves.
    function content(bytes32[3] memory leaves) internal pure returns (bytes32) {
        bytes32 root = Sm3Merkle.node(Sm3Merkle.node(leaves[0], leaves[1]), leaves[2]);
        return Sm3.hash(abi.encodePacked(uint8(4), uint8(1), uint32(0x11010001), uint32(3), root));
    }

    function test_a_leaf_of_a_content_is_checked() public view {
        // A field, an attachment and a record, each as it is hashed.
        bytes16 salt = bytes16(keccak256("salt"));
        bytes32[3] memory leaves;
        leaves[0] = Sm3.hash(abi.encodePacked(uint8(0), salt, uint32(5), "title", uint32(6), "\"deed\""));
        leaves[1] = Sm3.hash(
            abi.encodePacked(
                uint8(2),
                salt,
                uint32(5),
                "a.pdf",
                uint32(15),
                "application/pdf",
                uint64(7),
                keccak256("SM3"),
                keccak256("SHA-256")
            )
        );
        bytes32 recordRoot = Sm3.hash(abi.encodePacked(uint8(4), uint8(2), uint32(0xe1010101), uint32(1), leaves[0]));
        leaves[2] = Sm3.hash(abi.encodePacked(uint8(3), uint32(0), recordRoot));
        bytes32 root = content(leaves);
        bytes32[] memory path = new bytes32[](2);
        (path[0], path[1]) = (leaves[1], leaves[2]);
        assertTrue(batches.checkContent(root, 1, 0x11010001, 3, leaves[0], 0, path));
        path[0] = leaves[0];
        assertTrue(batches.checkContent(root, 1, 0x11010001, 3, leaves[1], 1, path));
        path = new bytes32[](1);
        path[0] = Sm3Merkle.node(leaves[0], leaves[1]);
        assertTrue(batches.checkContent(root, 1, 0x11010001, 3, leaves[2], 2, path));
        // The record's own field, in a second step.
        assertTrue(batches.checkContent(recordRoot, 2, 0xe1010101, 1, leaves[0], 0, new bytes32[](0)));
    }

    function test_every_corruption_of_a_content_is_refused() public view {
        bytes32[3] memory leaves = [keccak256("a"), keccak256("b"), keccak256("c")];
        bytes32 root = content(leaves);
        bytes32[] memory path = new bytes32[](2);
        (path[0], path[1]) = (leaves[1], leaves[2]);
        assertTrue(batches.checkContent(root, 1, 0x11010001, 3, leaves[0], 0, path));
        assertFalse(batches.checkContent(~root, 1, 0x11010001, 3, leaves[0], 0, path), "content");
        assertFalse(batches.checkContent(root, 2, 0x11010001, 3, leaves[0], 0, path), "type");
        assertFalse(batches.checkContent(root, 1, 0x11010002, 3, leaves[0], 0, path), "schema");
        assertFalse(batches.checkContent(root, 1, 0x11010001, 4, leaves[0], 0, path), "count");
        assertFalse(batches.checkContent(root, 1, 0x11010001, 0, leaves[0], 0, path), "empty");
        assertFalse(batches.checkContent(root, 1, 0x11010001, 3, ~leaves[0], 0, path), "leaf");
        assertFalse(batches.checkContent(root, 1, 0x11010001, 3, leaves[0], 1, path), "index");
        assertFalse(batches.checkContent(root, 1, 0x11010001, 3, leaves[0], 3, path), "index beyond");
        assertFalse(batches.checkContent(root, 1, 0x11010001, 3, leaves[0], 1 << 32, path), "index far beyond");
        assertFalse(batches.checkContent(root, 1, 0x11010001, 3, leaves[0], 0, new bytes32[](1)), "short path");
        assertFalse(batches.checkContent(root, 1, 0x11010001, 3, leaves[0], 0, new bytes32[](3)), "long path");
        path[1] ^= bytes32(uint256(1));
        assertFalse(batches.checkContent(root, 1, 0x11010001, 3, leaves[0], 0, path), "sibling");
        // The tree's root, or an inner node, passed off as a leaf.
        bytes32 inner = Sm3Merkle.node(leaves[0], leaves[1]);
        path = new bytes32[](1);
        path[0] = leaves[2];
        assertFalse(batches.checkContent(root, 1, 0x11010001, 3, inner, 0, path), "inner node");
        assertFalse(batches.checkContent(root, 1, 0x11010001, 2, inner, 0, path), "inner node of a smaller tree");
        assertFalse(
            batches.checkContent(root, 1, 0x11010001, 1, Sm3Merkle.node(inner, leaves[2]), 0, new bytes32[](0)), "root"
        );
    }

    function test_the_contract_says_what_it_is() public view {
        assertEq(address(batches.institutions()), address(institutions));
        assertEq(address(batches.verifier()), address(verifier));
        assertEq(batches.contractId(), idOf(address(batches), institutions.foundingDigest()));
    }
}
