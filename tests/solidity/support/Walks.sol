// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ICaseRegistry} from "../../../contracts/interfaces/ICaseRegistry.sol";
import {Cases} from "./Cases.sol";

/// @notice Random statements, well signed, that may or may not be in order, and what must hold after each of them.
abstract contract Walks is Cases {
    uint256 internal constant CASES = 4;

    bytes32[] private _digests;
    mapping(bytes32 digest => bytes32) private _recorded;
    bytes32[] private _splits;
    /// What was sealed, and what was used up or disposed of.
    uint256 private _sealed;
    uint256 private _gone;
    uint256 internal accepted;
    uint256 internal refused;

    /// The first two are matters, the others samples.
    function cases(uint256 index) internal pure returns (bytes32) {
        return bytes32(uint256(NOTARY_OFFICE) << 224 | index + 1);
    }

    function walk(uint256 seed, uint256 length) internal {
        for (uint256 i; i < length; ++i) {
            seed = uint256(keccak256(abi.encode(seed)));
            stir(uint256(keccak256(abi.encode(seed, "stir"))));
            uint256 index = seed % CASES;
            caseId = cases(index);
            _attempt(seed >> 8, index >= 2);
        }
        _checkConservation();
    }

    /// What a test has happen before each statement.
    function stir(uint256 seed) internal virtual {}

    /// Any kind of the table, unless a test wants some more often.
    function picked(uint256 seed, bool isSample) internal view virtual returns (uint16) {
        return isSample ? HOLD + uint16(seed % 15) : OPEN + uint16(seed % 29);
    }

    /// The signatures that are sent, by first keys unless a test has others.
    function resigned(Claim memory, bytes memory signatures) internal view virtual returns (bytes memory) {
        return signatures;
    }

    /// What a refused statement was refused for.
    function told(bytes memory why) internal virtual {}

    /// All that was recorded.
    function digests() internal view returns (bytes32[] memory) {
        return _digests;
    }

    function _attempt(uint256 seed, bool isSample) private {
        Claim memory c = _claim(seed, isSample);
        bytes memory signatures = resigned(c, _sign(c, seed >> 32));
        ICaseRegistry.Case memory before = registry.caseOf(caseId);
        bytes32[5] memory words = registry.wordsOf(caseId);
        try registry.record(pack(c), signatures) {
            ++accepted;
            _note(c, before);
        } catch (bytes memory why) {
            ++refused;
            told(why);
            assertEq(abi.encode(registry.wordsOf(caseId)), abi.encode(words));
        }
    }

    function _claim(uint256 seed, bool isSample) private view returns (Claim memory c) {
        ICaseRegistry.Case memory state = registry.caseOf(caseId);
        bool unopened = state.head == 0;
        c = unopened ? opening() : next(OPEN);
        if (isSample && unopened) c.previous = sampleTable;
        c.kind = picked(seed, isSample);
        if (unopened && (seed >> 8) % 8 != 0) c.kind = isSample ? HOLD + uint16((seed >> 16) % 3) : OPEN;
        bool closes = c.kind == CLOSE || c.kind == DISPOSE || c.kind == DISPOSE_OTHER || c.kind == DISPOSE_BY;
        if (closes && (seed >> 24) % 3 != 0) c.kind = isSample ? REMARK : NOTE;
        if (unopened && address(registry.predecessor()) != address(0)) {
            bytes32 head = registry.predecessor().headOf(caseId);
            if (head != 0) (c.kind, c.terms) = (isSample ? 0x12ff : CONTINUE, head);
        }
        c.content = bytes32(seed | 1);
        if (uint8(c.kind) == 0xff) return c;
        if ((seed >> 28) % 8 == 0) c.flags = uint16((seed >> 32) % 4);
        if ((seed >> 36) % 8 == 0) c.occurred -= uint48(((seed >> 40) % 4) * 1 days * 1000);
        if (state.guestCount != 0 && (seed >> 48) % 4 == 0) c.institution = state.guests[0];
        if (state.holder != 0 && (seed >> 52) % 2 == 0) c.institution = state.holder;
        c.counterparty = _other(c, seed >> 64);
        c.terms = _terms(c, state, seed >> 96);
    }

    function _other(Claim memory c, uint256 seed) private view returns (uint32 other) {
        (bytes memory entry,) = registry.entryOf(c.kind >> 8 == 0x11 ? tableDigest : sampleTable, c.kind);
        if (entry.length == 0 || uint8(entry[2]) & 8 == 0) return 0;
        if (c.kind == NOTE && seed % 2 == 0) return 0;
        other = (seed >> 8) % 3 == 0 ? CROWD : APPRAISERS;
        if (other == c.institution) other = NOTARY_OFFICE;
    }

    function _terms(Claim memory c, ICaseRegistry.Case memory state, uint256 seed) private view returns (bytes32) {
        if (c.kind == PUBLISH) return bytes32(uint256(c.occurred - 1000 + seed % 2000) << 208);
        if ((c.kind >= CORRECT && c.kind <= REST) && _digests.length != 0) return _digests[seed % _digests.length];
        if (c.kind == CHILD && _splits.length != 0) return _splits[seed % _splits.length];
        uint64 quantity = state.quantity;
        uint16 unit = state.unit;
        if (c.kind == HOLD) return holding(uint64(seed % 100), 2, c.institution);
        if (c.kind == HOLD_OTHER) return holding(uint64(seed % 100), 2, c.counterparty);
        if (c.kind == TRANSFER) return holding(quantity, unit, c.counterparty);
        uint64 share = uint64(seed % (uint256(quantity) + 2));
        if (c.kind == CONSUME || c.kind == SPLIT) return holding(share, unit, c.institution);
        if (c.kind == SPLIT_OTHER) return holding(share, unit, c.counterparty);
        return 0;
    }

    /// Signs as the kind asks for; an irregular statement by the institution alone.
    function _sign(Claim memory c, uint256 seed) private view returns (bytes memory) {
        if (c.flags & IRREGULAR != 0) return signed(c, c.institution, ANSWERS);
        if (uint8(c.kind) == 0xff) return signed(c, c.institution, SEAL);
        (bytes memory entry,) = registry.entryOf(c.kind >> 8 == 0x11 ? tableDigest : sampleTable, c.kind);
        if (entry.length == 0 || uint8(entry[48]) > 2) return signed(c, c.institution, SEAL);
        uint32 one = _signer(c, uint8(entry[20]), seed % 2 == 0);
        if (uint8(entry[48]) == 1) return signed(c, one, uint8(entry[20]));
        uint32 two = _signer(c, uint8(entry[23]), seed % 2 != 0);
        if (one < two) return signed(c, one, uint8(entry[20]), two, uint8(entry[23]));
        return signed(c, two, uint8(entry[23]), one, uint8(entry[20]));
    }

    function _signer(Claim memory c, uint8 role, bool first) private pure returns (uint32) {
        uint32 side = role & 0x80 != 0 ? c.counterparty : c.institution;
        if (role & 0x40 == 0) return side;
        if (side == APPRAISERS) return APPRAISER;
        return first ? NOTARY : APPROVER;
    }

    function _note(Claim memory c, ICaseRegistry.Case memory before) private {
        ICaseRegistry.Case memory state = registry.caseOf(caseId);
        // One chain, without gap.
        assertEq(state.sequence, before.head == 0 ? 0 : before.sequence + 1);
        if (before.head != 0) assertEq(c.previous, before.head);
        bytes32 digest = state.head;
        uint8 status = statusOf(digest);
        if (c.kind == ISSUE) assertEq(status & 0x30, 0);
        if (before.flags & 8 != 0) assertEq(status & 0x40, 0x40);
        // Digests never vanish; what may change is the status alone.
        _digests.push(digest);
        _recorded[digest] = registry.recordOf(digest);
        for (uint256 i; i < _digests.length; ++i) {
            if (c.terms == _digests[i] && uint8(c.kind) != 0xff) continue;
            bytes32 now_ = registry.recordOf(_digests[i]);
            if (now_ != 0) assertEq(now_ & ~bytes32(uint256(0x87) << 152), _steady(_digests[i]));
        }
        if (uint8(c.kind) == 0xff) return;
        if (c.kind == HOLD || c.kind == HOLD_OTHER) _sealed += state.quantity;
        if (c.kind == CONSUME) _gone += before.quantity - state.quantity;
        if (c.kind == SPLIT || c.kind == SPLIT_OTHER) _splits.push(digest);
        if (c.kind == DISPOSE || c.kind == DISPOSE_OTHER || c.kind == DISPOSE_BY) _gone += before.quantity;
        assertEq(state.holder != 0, c.kind >> 8 == 0x12 && state.flags & 1 == 0);
    }

    /// A record as it was written, but for its status and, in a successor, the index of the table.
    function _steady(bytes32 digest) private view returns (bytes32 record) {
        record = _recorded[digest] & ~bytes32(uint256(0x87) << 152);
        uint16 index = uint16(uint256(registry.recordOf(digest)) >> 136);
        record = (record & ~bytes32(uint256(0xffff) << 136)) | bytes32(uint256(index) << 136);
    }

    /// All that was sealed is held, kept for a child, or gone.
    function _checkConservation() private view {
        uint256 held;
        for (uint256 i = 2; i < CASES; ++i) {
            held += _where(cases(i)).caseOf(cases(i)).quantity;
        }
        for (uint256 i; i < _splits.length; ++i) {
            (uint64 quantity,,, bool used) = registry.splitOf(_splits[i]);
            if (quantity == 0 && address(registry.predecessor()) != address(0)) {
                (quantity,,, used) = registry.predecessor().splitOf(_splits[i]);
            }
            if (!used) held += quantity;
        }
        assertEq(held + _gone, _sealed);
    }

    /// Where a case stands now.
    function _where(bytes32 caseId_) private view returns (ICaseRegistry) {
        if (registry.headOf(caseId_) != 0 || address(registry.predecessor()) == address(0)) return registry;
        return registry.predecessor();
    }
}
