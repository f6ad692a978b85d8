// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ICaseRegistry} from "../../contracts/interfaces/ICaseRegistry.sol";
import {IBatchAnchor} from "../../contracts/interfaces/IBatchAnchor.sol";
import {IInstitutions} from "../../contracts/interfaces/IInstitutions.sol";
import {SignedMessages} from "../../contracts/libraries/SignedMessages.sol";
import {Sm3} from "../../contracts/libraries/Sm3.sol";
import {Cases} from "./support/Cases.sol";
import {Ledger} from "./support/Ledger.sol";
import {Members} from "./support/Members.sol";

/// What is longer than anything can be is refused by its length, before it is hashed or a signature is verified: SM3 of
/// 64 KiB alone costs some 18 million gas.
contract HugeInputTest is Cases, Members {
    uint256 private constant HUGE = 1 << 16;
    /// As many whole signatures as fit into `HUGE`.
    uint256 private constant MANY = HUGE / 70;

    /// A call and a length that is compared; nothing is copied, and no more is read than some words of storage.
    uint256 private constant BY_LENGTH = 10_000;
    /// The same after a statement's place in its case was read: tables, case and guests, each word for the first time.
    uint256 private constant BY_LENGTH_IN_CASE = 30_000;
    /// A table is handed on to the contract that knows its shape, and so copied twice into one memory: 45,056 gas for
    /// 128 KiB.
    uint256 private constant BY_LENGTH_COPIED = 80_000;
    /// What is decided for a contract is handed on to `Institutions`: the signatures are copied once, 20,480 gas.
    uint256 private constant BY_COUNT_COPIED = 60_000;
    /// What one node of a path costs: an SM3 of two blocks.
    uint256 private constant NODE = 40_000;

    function setUp() public override(Cases, Ledger) {
        super.setUp();
    }

    /// Calls with bytes that stand in memory already, which costs the caller nothing for each of them.
    function measure(address at, bytes memory call_) private returns (bool done, bytes memory got, uint256 used) {
        assembly ("memory-safe") {
            used := gas()
            done := call(gas(), at, 0, add(call_, 32), mload(call_), 0, 0)
            used := sub(used, gas())
            got := mload(0x40)
            mstore(0x40, add(got, and(add(returndatasize(), 63), not(31))))
            mstore(got, returndatasize())
            returndatacopy(add(got, 32), 0, returndatasize())
        }
    }

    /// Refused with `why` for less gas than `bound`, what a transaction pays for its bytes apart.
    function refuseCheaply(address at, bytes memory call_, bytes memory why, uint256 bound) private {
        (bool done, bytes memory got, uint256 used) = measure(at, call_);
        assertFalse(done);
        assertEq(got, why);
        assertLt(used, bound);
    }

    function tooMany(uint256 expected) private pure returns (bytes memory) {
        return abi.encodeWithSelector(SignedMessages.SignatureCount.selector, expected, MANY);
    }

    function ragged(uint256 expected) private pure returns (bytes memory) {
        return abi.encodeWithSelector(SignedMessages.SignatureLength.selector, expected * 70, HUGE);
    }

    // Statements

    function test_a_huge_statement_is_refused_by_its_length() public {
        bytes memory statement = bytes.concat(pack(opening()), new bytes(HUGE));
        bytes memory why = reason(ICaseRegistry.StatementLength.selector, 183, 183 + HUGE);
        bytes memory signatures = signed(opening(), NOTARY_OFFICE, SEAL);
        refuseCheaply(address(registry), abi.encodeCall(registry.record, (statement, signatures)), why, BY_LENGTH);
    }

    function test_huge_lists_of_signatures_are_refused_by_their_length() public {
        bytes memory statement = pack(opening());
        bytes memory call_ = abi.encodeCall(registry.record, (statement, new bytes(HUGE)));
        refuseCheaply(address(registry), call_, ragged(1), BY_LENGTH_IN_CASE);
        call_ = abi.encodeCall(registry.record, (statement, new bytes(MANY * 70)));
        refuseCheaply(address(registry), call_, tooMany(1), BY_LENGTH_IN_CASE);
        open();
        Claim memory c = next(ACT);
        c.flags = IRREGULAR;
        call_ = abi.encodeCall(registry.record, (pack(c), new bytes(MANY * 70)));
        refuseCheaply(address(registry), call_, tooMany(5), BY_LENGTH_IN_CASE);
    }

    // Tables and decisions

    function test_a_huge_table_is_refused_by_its_length() public {
        bytes memory table = new bytes(HUGE);
        (table[0], table[1], table[2], table[3]) = (0x01, 0x01, 0x03, 0x20);
        refuseCheaply(
            address(registry),
            abi.encodeCall(registry.registerTable, (table, 0, FOREVER, 1, 1, "")),
            reason(ICaseRegistry.TableLength.selector, 36 + 32 * 64, HUGE),
            BY_LENGTH_COPIED
        );
    }

    function test_a_huge_action_is_refused_by_its_length() public {
        (uint64 number, uint48 expires, bytes memory votes_) = decide(suspendAction(PRISON), institutions.contractId());
        bytes memory action = new bytes(HUGE);
        bytes memory call_ = abi.encodeCall(institutions.execute, (action, number, expires, votes_, ""));
        refuseCheaply(address(institutions), call_, reason(IInstitutions.ActionUnknown.selector, 0), BY_LENGTH);
        action[0] = 0x11;
        call_ = abi.encodeCall(institutions.execute, (action, number, expires, votes_, ""));
        refuseCheaply(address(institutions), call_, reason(IInstitutions.ActionLength.selector, 5, HUGE), BY_LENGTH);
    }

    function test_huge_lists_of_votes_are_refused_by_their_length() public {
        (uint64 number, uint48 expires,) = decide(suspendAction(PRISON), institutions.contractId());
        bytes memory many = new bytes(MANY * 70);
        bytes memory call_ = abi.encodeCall(institutions.execute, (suspendAction(PRISON), number, expires, many, ""));
        refuseCheaply(address(institutions), call_, tooMany(32), BY_LENGTH);
        call_ = abi.encodeCall(institutions.execute, (suspendAction(PRISON), number, expires, new bytes(HUGE), ""));
        refuseCheaply(address(institutions), call_, ragged(32), BY_LENGTH);
        call_ = abi.encodeCall(institutions.consumeDecision, (suspendAction(PRISON), number, expires, many));
        refuseCheaply(address(institutions), call_, tooMany(32), BY_LENGTH);
        call_ = abi.encodeCall(registry.close, (address(0), number, expires, many));
        refuseCheaply(address(registry), call_, tooMany(32), BY_COUNT_COPIED);
        call_ = abi.encodeCall(registry.endTable, (tableDigest, 5, number, expires, many));
        refuseCheaply(address(registry), call_, tooMany(32), BY_COUNT_COPIED);
        call_ = abi.encodeCall(batches.close, (address(0), number, expires, many));
        refuseCheaply(address(batches), call_, tooMany(32), BY_COUNT_COPIED);
    }

    // Members

    function test_huge_lists_of_admitters_are_refused_by_their_length() public {
        bytes memory many = new bytes(MANY * 70);
        address at = address(institutions);
        IInstitutions.Admission memory a = admission(0x80000010, NOTARY_OFFICE, 1, SELF);
        bytes memory own = possession(a);
        refuseCheaply(at, abi.encodeCall(institutions.admitPractitioner, (a, many, own)), tooMany(2), BY_LENGTH);
        IInstitutions.NewKey memory k = newKey(NOTARY, "second");
        bytes memory call_ = abi.encodeCall(institutions.renewPractitionerKey, (k, many, own));
        refuseCheaply(at, call_, tooMany(2), BY_LENGTH);
        refuseCheaply(at, abi.encodeCall(institutions.suspendPractitioner, (NOTARY, many)), tooMany(1), BY_LENGTH);
        refuseCheaply(at, abi.encodeCall(institutions.revokeKey, (NOTARY, 0, 0, many)), tooMany(1), BY_LENGTH);
        institutions.suspendPractitioner(NOTARY, suspension(NOTARY, NOTARY_OFFICE));
        call_ = abi.encodeCall(institutions.reinstatePractitioner, (NOTARY, 0, many));
        refuseCheaply(at, call_, tooMany(2), BY_LENGTH);
        registerRecovery(PRISON, "vault");
        call_ = abi.encodeCall(institutions.recover, (newKey(PRISON, "second"), many, own));
        refuseCheaply(at, call_, tooMany(1), BY_LENGTH);
    }

    // Batches

    function header() private pure returns (bytes memory) {
        return abi.encodePacked(OPERATOR, uint64(0), uint64(0), uint32(65_536), keccak256("root"), bytes32(0));
    }

    function test_a_huge_header_is_refused_by_its_length() public {
        bytes memory data = bytes.concat(header(), new bytes(HUGE));
        bytes memory signature = wire(4, 0, 1, OPERATOR, batches.contractId(), Sm3.hash(header()));
        bytes memory call_ = abi.encodeCall(batches.anchor, (data, signature));
        bytes memory why = reason(IBatchAnchor.HeaderLength.selector, 88, 88 + HUGE);
        refuseCheaply(address(batches), call_, why, BY_LENGTH);
        call_ = abi.encodeCall(batches.anchor, (header(), new bytes(MANY * 70)));
        refuseCheaply(address(batches), call_, tooMany(1), BY_LENGTH);
        call_ = abi.encodeCall(batches.anchor, (header(), new bytes(HUGE)));
        refuseCheaply(address(batches), call_, ragged(1), BY_LENGTH);
    }

    /// What a view that says no costs.
    function denied(bytes memory call_) private returns (uint256) {
        (bool done, bytes memory got, uint256 used) = measure(address(batches), call_);
        assertTrue(done);
        assertEq(got, abi.encode(false));
        return used;
    }

    /// A path of 10,000 nodes is left where the tree ends: after 16 nodes of 65,536 leaves.
    function test_a_huge_path_is_left_at_the_root() public {
        bytes memory data = header();
        batches.anchor(data, wire(4, 0, 1, OPERATOR, batches.contractId(), Sm3.hash(data)));
        bytes32[] memory huge = new bytes32[](10_000);
        bytes32[] memory right = new bytes32[](16);
        uint256 bound = denied(abi.encodeCall(batches.checkLeaf, (data, "leaf", 5, right))) + BY_LENGTH;
        assertLt(denied(abi.encodeCall(batches.checkLeaf, (data, "leaf", 5, huge))), bound);
        bound = denied(abi.encodeCall(batches.checkContent, (0, 1, 1, 65_536, "leaf", 5, right))) + BY_LENGTH;
        assertLt(denied(abi.encodeCall(batches.checkContent, (0, 1, 1, 65_536, "leaf", 5, huge))), bound);
        // No content has more leaves than 32 nodes lead through.
        bytes memory call_ = abi.encodeCall(batches.checkContent, (0, 1, 1, type(uint32).max, "leaf", 5, huge));
        assertLt(denied(call_), 32 * NODE);
        // Under a header that is not anchored, or is none, not a node is looked at.
        assertLt(denied(abi.encodeCall(batches.checkLeaf, (flip(data, 50), "leaf", 5, huge))), 2 * NODE);
        data = bytes.concat(data, new bytes(HUGE));
        assertLt(denied(abi.encodeCall(batches.checkLeaf, (data, "leaf", 5, huge))), BY_LENGTH);
    }
}
