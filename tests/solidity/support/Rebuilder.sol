// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Vm} from "forge-std/Vm.sol";
import {ICaseRegistry} from "../../../contracts/interfaces/ICaseRegistry.sol";

/// @notice Rebuilds registries from their events alone, written from SPEC §8.2, §8.5 and §8.6 apart from the contracts. It knows
/// that every statement was in order. Blocks are taken to have the present time.
contract Rebuilder {
    struct State {
        bytes32 head;
        bytes32 table;
        uint32 sequence;
        uint8 state;
        uint8 flags;
        uint32 seen;
        uint48 lastMain;
        uint48 end;
        uint32 holder;
        uint32[] guests;
        uint32[8] handlers;
        uint64 quantity;
        uint16 unit;
    }

    struct Registry {
        mapping(bytes32 table => bytes) tables;
        mapping(bytes32 table => uint16) indices;
        mapping(bytes32 caseId => State) states;
        mapping(bytes32 digest => uint160) records;
        mapping(bytes32 digest => bytes32) splits;
        address predecessor;
    }

    struct Place {
        address where;
        bytes32 digest;
    }

    mapping(address where => Registry) private _registries;
    Place[] private _places;

    // The statement that is applied.
    bytes private _statement;
    bytes private _signatures;
    bytes private _entry;
    uint8 private _position;

    function apply_(Vm.Log memory log) external {
        Registry storage r = _registries[log.emitter];
        if (log.topics[0] == ICaseRegistry.TableRegistered.selector) {
            (uint16 index,,, bytes memory table) = abi.decode(log.data, (uint16, uint48, uint48, bytes));
            r.tables[log.topics[1]] = table;
            r.indices[log.topics[1]] = index;
        } else if (log.topics[0] == ICaseRegistry.RegistryClosed.selector) {
            _registries[address(uint160(uint256(log.topics[1])))].predecessor = log.emitter;
        } else if (log.topics[0] == ICaseRegistry.StatementRecorded.selector) {
            (_statement, _signatures) = abi.decode(log.data, (bytes, bytes));
            _places.push(Place(log.emitter, log.topics[1]));
            if (_number(2, 1) == 0xff) _continue(r, log.topics[1]);
            else _record(r, log.topics[1]);
        }
    }

    function count() external view returns (uint256) {
        return _places.length;
    }

    function at(uint256 index) external view returns (address, bytes32) {
        return (_places[index].where, _places[index].digest);
    }

    function recordOf(address where, bytes32 digest) external view returns (uint160) {
        return _registries[where].records[digest];
    }

    function splitOf(address where, bytes32 digest) external view returns (bytes32) {
        return _registries[where].splits[digest];
    }

    function wordsOf(address where, bytes32 caseId) external view returns (bytes32[5] memory words) {
        Registry storage r = _registries[where];
        State storage s = r.states[caseId];
        if (s.head == 0) return words;
        words[0] = s.head;
        bytes memory progress = abi.encodePacked(s.sequence, s.state, s.flags, s.seen, s.lastMain, s.end);
        progress =
            bytes.concat(progress, abi.encodePacked(r.indices[s.table], s.holder, uint8(s.guests.length), uint24(0)));
        words[1] = bytes32(progress);
        bytes memory guests;
        for (uint256 i; i < 8; ++i) {
            guests = abi.encodePacked(guests, i < s.guests.length ? s.guests[i] : 0);
            words[3] |= bytes32(uint256(s.handlers[i]) << (224 - 32 * i));
        }
        words[2] = bytes32(guests);
        words[4] = bytes32(abi.encodePacked(s.quantity, s.unit, bytes22(0)));
    }

    function _record(Registry storage r, bytes32 digest) private {
        State storage s = r.states[_word(23)];
        if (_number(5, 4) == 0) s.table = _word(55);
        else require(_word(55) == s.head && _number(5, 4) == s.sequence + 1, "not a chain");
        _find(r.tables[s.table]);
        uint16 flags = uint16(_number(3, 2));
        uint16 kindFlags = uint16(_of(1, 2));

        uint8 status = 1;
        uint256 limit = _of(18, 2) * 3_600_000;
        if (limit != 0 && block.timestamp * 1000 - _number(17, 6) > limit) status |= 0x08;
        if (flags & 1 != 0) status |= 0x10;
        if (flags & 2 != 0) status |= 0x20;
        if (s.flags & 8 != 0) status |= 0x40;
        r.records[digest] = _recordOf(r, s, status, _position);

        s.head = digest;
        s.sequence = uint32(_number(5, 4));
        s.seen |= uint32(1) << _position;
        if (flags & 1 == 0) {
            if (_of(7, 1) != 255 && s.flags & 1 == 0) s.state = uint8(_of(7, 1));
            s.lastMain = uint48(_number(17, 6));
        }
        if (flags & 2 != 0) s.flags |= 8;
        if (kindFlags & 0x0002 != 0) s.flags |= 1;
        if (kindFlags & 0x0080 != 0) s.flags |= 2;
        if (kindFlags & 0x0100 != 0) s.flags &= ~uint8(2);
        if (kindFlags & 0x0400 != 0) s.flags |= 4;
        if (kindFlags & 0x0800 != 0) s.flags &= ~uint8(4);
        _invite(s, uint32(_number(13, 4)));
        _remember(s, flags & 1 != 0);
        _effect(r, s, digest);
    }

    function _continue(Registry storage r, bytes32 digest) private {
        State storage s = r.states[_word(23)];
        State storage before = _registries[r.predecessor].states[_word(23)];
        require(_word(151) == before.head && _word(55) == before.table, "continues another case");
        (s.head, s.table, s.state, s.flags, s.seen) =
        (digest, before.table, before.state, before.flags | 16, before.seen);
        s.lastMain = before.lastMain > _number(17, 6) ? before.lastMain : uint48(_number(17, 6));
        (s.end, s.holder, s.guests, s.handlers) = (before.end, before.holder, before.guests, before.handlers);
        (s.quantity, s.unit) = (before.quantity, before.unit);
        r.records[digest] = _recordOf(r, s, s.flags & 8 != 0 ? 0x41 : 1, 255);
    }

    function _recordOf(Registry storage r, State storage s, uint8 status, uint8 position)
        private
        view
        returns (uint160)
    {
        bytes16 mark = bytes16(keccak256(abi.encode(_word(23))));
        return uint160(bytes20(abi.encodePacked(status, r.indices[s.table], position, mark)));
    }

    function _invite(State storage s, uint32 other) private {
        if (other == 0 || other == _number(23, 4)) return;
        for (uint256 i; i < s.guests.length; ++i) {
            if (s.guests[i] == other) return;
        }
        s.guests.push(other);
    }

    function _remember(State storage s, bool late) private {
        uint256 taken;
        for (uint256 i; i < _signatures.length / 70; ++i) {
            for (uint256 j; j < uint8(_entry[48]); ++j) {
                if (taken >> j & 1 != 0 || _entry[20 + 3 * j] != _signatures[70 * i + 4]) continue;
                taken |= 1 << j;
                uint8 place = uint8(_entry[21 + 3 * j]) >> 4;
                bool fills = place != 0 && !(late && s.handlers[place - 1] != 0);
                if (fills) s.handlers[place - 1] = uint32(bytes4(_slice(_signatures, 70 * i)));
                break;
            }
        }
    }

    function _effect(Registry storage r, State storage s, bytes32 digest) private {
        uint256 effect = _of(17, 1);
        bytes32 terms = _word(151);
        uint64 quantity = uint64(_number(151, 8));
        if (effect == 1) s.end = uint48(_number(151, 6));
        if (effect >= 2 && effect <= 7) _target(r, s, effect, terms);
        if (effect == 9) (s.quantity, s.unit, s.holder) = (quantity, uint16(_number(159, 2)), uint32(_number(161, 4)));
        if (effect == 10) s.holder = uint32(_number(13, 4));
        if (effect == 11 || effect == 12) s.quantity -= quantity;
        if (effect == 12) r.splits[digest] = terms;
        if (effect == 13) {
            bytes32 split = r.splits[terms];
            (s.quantity, s.unit) = (uint64(bytes8(split)), uint16(bytes2(split << 64)));
            s.holder = uint32(bytes4(split << 80));
            r.splits[terms] = split | bytes32(uint256(1));
        }
        if (effect == 14) (s.quantity, s.unit, s.holder) = (0, 0, 0);
    }

    function _target(Registry storage r, State storage s, uint256 effect, bytes32 terms) private {
        uint160 word = r.records[terms];
        if (word == 0) {
            word = _registries[r.predecessor].records[terms];
            word = (word & ~(uint160(0xffff) << 136)) | uint160(r.indices[s.table]) << 136;
        }
        uint8 status = uint8(word >> 152) & 7;
        bool partly = status == 5 || status == 6;
        uint8 next = status;
        if (effect == 2) next = 2;
        if (effect == 4) next = partly ? 6 : 3;
        if (effect == 5) next = partly ? 5 : 1;
        if (effect == 6) next = 4;
        if (effect == 7) next = status == 1 || status == 5 ? 5 : 6;
        word ^= uint160(status ^ next) << 152;
        if (effect == 3) word |= uint160(0x80) << 152;
        r.records[terms] = word;
    }

    /// The entry of the statement's kind, and its position.
    function _find(bytes storage table) private {
        bytes memory all = table;
        uint8 position;
        while (all[36 + 64 * uint256(position)] != _statement[2]) ++position;
        _position = position;
        _entry = bytes.concat(_slice(all, 36 + 64 * uint256(position)), _slice(all, 68 + 64 * uint256(position)));
    }

    /// Up to 32 bytes of the entry.
    function _of(uint256 offset, uint256 size) private view returns (uint256) {
        return uint256(_slice(_entry, offset)) >> (256 - 8 * size);
    }

    function _number(uint256 offset, uint256 size) private view returns (uint256) {
        return uint256(_word(offset)) >> (256 - 8 * size);
    }

    function _word(uint256 offset) private view returns (bytes32) {
        return _slice(_statement, offset);
    }

    function _slice(bytes memory data, uint256 offset) private pure returns (bytes32 word) {
        assembly ("memory-safe") {
            word := mload(add(add(data, 32), offset))
        }
    }
}
