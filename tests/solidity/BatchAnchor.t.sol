// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IBatchAnchor} from "../../contracts/interfaces/IBatchAnchor.sol";
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
        institutions.revokeKey(OPERATOR, 0, revocation(OPERATOR));
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

    function test_the_contract_says_what_it_is() public view {
        assertEq(address(batches.institutions()), address(institutions));
        assertEq(address(batches.verifier()), address(verifier));
        assertEq(batches.contractId(), idOf(address(batches), institutions.foundingDigest()));
    }
}
