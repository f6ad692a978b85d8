// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice Two procedure tables whose kinds between them use everything that a table can say, put together from SPEC §8.2.
library Tables {
    struct Kind {
        uint8 step;
        uint16 flags;
        uint32 from;
        uint8 to;
        uint32 required;
        uint32 forbidden;
        uint8 who;
        uint8 effect;
        uint16 limit;
        uint24[] slots;
        uint32 targets;
    }

    uint16 internal constant OPENS = 0x0001;
    uint16 internal constant CLOSES = 0x0002;
    uint16 internal constant INSTRUMENT = 0x0004;
    uint16 internal constant NAMES = 0x0008;
    uint16 internal constant BATCH = 0x0010;
    uint16 internal constant LATE = 0x0020;
    uint16 internal constant IRREGULAR = 0x0040;
    uint16 internal constant PAUSES = 0x0080;
    uint16 internal constant RESUMES = 0x0100;
    uint16 internal constant PASSES = 0x0200;
    uint16 internal constant FREEZES = 0x0400;
    uint16 internal constant THAWS = 0x0800;
    uint16 internal constant AFTER_CLOSE = 0x1000;
    uint16 internal constant AFTER_END = 0x2000;

    uint8 internal constant SEAL = 0x00;
    uint8 internal constant OTHER_SEAL = 0x80;
    uint8 internal constant HANDLES = 0x41;
    uint8 internal constant APPROVES = 0x42;
    uint8 internal constant OTHER_HANDLES = 0xc1;

    uint8 internal constant KEEP = 255;
    /// States 1 to 3, and the closed state 4.
    uint32 internal constant ANY = 0x0e;
    uint32 internal constant EVER = 0x1e;

    uint8 internal constant MATTER_KINDS = 29;
    uint8 internal constant SAMPLE_KINDS = 15;

    function matter() internal pure returns (bytes memory) {
        return bytes.concat(header(1, MATTER_KINDS), _plain(), _times(), _targets());
    }

    function sample() internal pure returns (bytes memory) {
        return bytes.concat(header(2, SAMPLE_KINDS), _holdings(), _disposals());
    }

    function header(uint8 caseType, uint8 kinds) internal pure returns (bytes memory) {
        return abi.encodePacked(uint8(1), uint8(1), caseType, kinds, bytes32(uint256(0xd0c) + caseType));
    }

    function slot(uint8 role, uint8 remember, uint8 wanted, uint8 distinct) internal pure returns (uint24) {
        return uint24(role) << 16 | uint24(remember) << 12 | uint24(wanted) << 8 | distinct;
    }

    function entry(Kind memory k) internal pure returns (bytes memory data) {
        data = abi.encodePacked(k.step, k.flags, k.from, k.to, k.required, k.forbidden, k.who, k.effect, k.limit);
        for (uint256 i; i < 8; ++i) {
            data = bytes.concat(data, bytes3(i < k.slots.length ? k.slots[i] : 0));
        }
        data = bytes.concat(data, abi.encodePacked(k.targets, uint8(k.slots.length), new bytes(15)));
    }

    /// A kind for the opener, from state 1 to 3, that keeps the state and asks for the institution's seal.
    function kind(uint8 step, uint16 flags) internal pure returns (Kind memory k) {
        k.step = step;
        k.flags = flags;
        k.from = flags & OPENS != 0 ? 0 : ANY;
        k.to = flags & OPENS != 0 ? 1 : KEEP;
        k.who = 1;
        k.slots = one(slot(SEAL, 0, 0, 0));
    }

    function one(uint24 a) internal pure returns (uint24[] memory list) {
        list = new uint24[](1);
        list[0] = a;
    }

    function two(uint24 a, uint24 b) internal pure returns (uint24[] memory list) {
        list = new uint24[](2);
        (list[0], list[1]) = (a, b);
    }

    function _plain() private pure returns (bytes memory data) {
        Kind memory k = kind(1, OPENS | NAMES | IRREGULAR);
        k.slots = one(slot(SEAL, 0, 1, 0));
        data = entry(k);
        k = kind(2, 0);
        (k.from, k.to, k.slots) = (0x02, 2, one(slot(HANDLES, 1, 1, 0)));
        data = bytes.concat(data, entry(k));
        k = kind(3, 0);
        (k.from, k.to, k.required, k.slots) = (0x04, 3, 0x02, one(slot(APPROVES, 2, 1, 0x01)));
        data = bytes.concat(data, entry(k));
        k = kind(4, INSTRUMENT);
        (k.from, k.required, k.forbidden) = (0x08, 0x04, 0x08);
        k.slots = two(slot(SEAL, 0, 1, 0), slot(HANDLES, 0, 1, 0x02));
        data = bytes.concat(data, entry(k));
        k = kind(5, NAMES);
        k.who = 3;
        data = bytes.concat(data, entry(k));
        k = kind(6, NAMES);
        (k.who, k.slots) = (3, two(slot(SEAL, 0, 0, 0), slot(OTHER_SEAL, 0, 2, 0)));
        data = bytes.concat(data, entry(k));
        k = kind(7, CLOSES | PASSES);
        k.to = 4;
        data = bytes.concat(data, entry(k));
        k = kind(8, OPENS | CLOSES | BATCH);
        k.to = 4;
        data = bytes.concat(data, entry(k));
        k = kind(9, 0);
        k.slots = two(slot(HANDLES, 3, 0, 0), slot(APPROVES, 8, 0, 0));
        data = bytes.concat(data, entry(k));
        k = kind(10, NAMES);
        k.slots = two(slot(SEAL, 0, 0, 0), slot(OTHER_HANDLES, 4, 2, 0));
        data = bytes.concat(data, entry(k));
        k = kind(11, 0);
        k.who = 2;
        data = bytes.concat(data, entry(k));
        k = kind(12, 0);
        (k.required, k.slots) = (0x02, one(slot(HANDLES, 1, 0, 0x01)));
        data = bytes.concat(data, entry(k));
    }

    function _times() private pure returns (bytes memory data) {
        // 13: may be filled in late; asks for the opening, and for no approval before.
        Kind memory k = kind(13, LATE | IRREGULAR);
        (k.from, k.to, k.required, k.forbidden, k.limit) = (0x04, 3, 0x01, 0x04, 24);
        k.slots = two(slot(SEAL, 0, 1, 0), slot(HANDLES, 1, 1, 0));
        data = entry(k);
        data = bytes.concat(data, entry(kind(14, PAUSES)), entry(kind(15, RESUMES)), entry(kind(16, PASSES)));
        k = kind(17, 0); // publishes
        k.effect = 1;
        data = bytes.concat(data, entry(k));
        // 18: decides after the end; a fact, so it may be irregular.
        k = kind(18, AFTER_END | IRREGULAR);
        (k.from, k.to, k.required, k.forbidden) = (0x08, 2, 0x010000, 0x08);
        k.slots = two(slot(HANDLES, 5, 1, 0x01), slot(APPROVES, 6, 1, 0x02));
        data = bytes.concat(data, entry(k));
        // 19: the widest plan of signers.
        k = kind(19, NAMES);
        k.slots = new uint24[](8);
        (k.slots[0], k.slots[1], k.slots[2]) = (slot(SEAL, 0, 1, 0), slot(0x41, 0, 0, 0), slot(0x42, 0, 0, 0));
        (k.slots[3], k.slots[4], k.slots[5]) = (slot(0x43, 0, 0, 0), slot(0x44, 0, 0, 0), slot(0x45, 7, 0, 0));
        (k.slots[6], k.slots[7]) = (slot(OTHER_SEAL, 0, 2, 0), slot(0xcd, 0, 2, 0));
        data = bytes.concat(data, entry(k));
    }

    function _targets() private pure returns (bytes memory data) {
        // 20 to 25: correct, supplement, suspend, lift, revoke, revoke in part; what they name: accept, issue, note.
        for (uint8 i; i < 6; ++i) {
            Kind memory t = kind(20 + i, AFTER_CLOSE | IRREGULAR);
            (t.from, t.effect, t.targets) = (EVER, 2 + i, 0x1a);
            data = bytes.concat(data, entry(t));
        }
        Kind memory k = kind(26, 0); // rests on a statement
        k.effect = 8;
        data = bytes.concat(data, entry(k));
        k = kind(27, AFTER_CLOSE | IRREGULAR); // would move the state
        (k.from, k.to) = (EVER, 2);
        data = bytes.concat(data, entry(k));
        k = kind(28, PASSES | IRREGULAR); // four slots, some of which an irregular act lacks
        k.slots = new uint24[](4);
        (k.slots[0], k.slots[1]) = (slot(SEAL, 0, 1, 0), slot(HANDLES, 0, 1, 0));
        (k.slots[2], k.slots[3]) = (slot(APPROVES, 0, 1, 0), slot(APPROVES, 7, 1, 0));
        data = bytes.concat(data, entry(k));
        k = kind(29, PAUSES | PASSES); // nothing pauses a pause
        data = bytes.concat(data, entry(k));
    }

    function _holdings() private pure returns (bytes memory data) {
        Kind memory k = kind(1, OPENS | IRREGULAR); // seals what the institution holds
        k.effect = 9;
        data = entry(k);
        k = kind(2, OPENS | NAMES); // seals what the other side holds
        (k.effect, k.slots) = (9, two(slot(SEAL, 0, 0, 0), slot(OTHER_SEAL, 0, 0, 0)));
        data = bytes.concat(data, entry(k));
        k = kind(3, OPENS); // a part split off
        k.effect = 13;
        data = bytes.concat(data, entry(k));
        k = kind(4, NAMES); // hands over
        (k.who, k.effect, k.slots) = (4, 10, two(slot(SEAL, 0, 0, 0), slot(OTHER_SEAL, 0, 0, 0)));
        data = bytes.concat(data, entry(k));
        k = kind(5, IRREGULAR); // uses up
        (k.who, k.effect, k.slots) = (4, 11, two(slot(HANDLES, 0, 0, 0), slot(APPROVES, 0, 0, 0)));
        data = bytes.concat(data, entry(k));
        k = kind(6, 0); // splits off for itself
        (k.who, k.effect) = (4, 12);
        data = bytes.concat(data, entry(k));
        k = kind(7, NAMES); // splits off for the other side
        (k.who, k.effect, k.slots) = (4, 12, two(slot(SEAL, 0, 0, 0), slot(OTHER_SEAL, 0, 0, 0)));
        data = bytes.concat(data, entry(k));
    }

    function _disposals() private pure returns (bytes memory data) {
        Kind memory k = kind(8, FREEZES);
        k.who = 7;
        data = entry(k);
        k = kind(9, THAWS);
        k.who = 3;
        data = bytes.concat(data, entry(k));
        k = kind(10, CLOSES); // by the holder
        (k.to, k.who, k.effect) = (4, 7, 14);
        data = bytes.concat(data, entry(k));
        k = kind(11, CLOSES | NAMES); // by the other side, which holds
        (k.to, k.effect, k.slots) = (4, 14, two(slot(SEAL, 0, 0, 0), slot(OTHER_SEAL, 0, 0, 0)));
        data = bytes.concat(data, entry(k));
        k = kind(12, CLOSES); // by a supervisor, whoever holds
        (k.to, k.who, k.effect) = (4, 2, 14);
        data = bytes.concat(data, entry(k));
        data = bytes.concat(data, entry(kind(13, PAUSES)), entry(kind(14, RESUMES)));
        k = kind(15, NAMES); // a note of anybody, also of the holder
        k.who = 7;
        data = bytes.concat(data, entry(k));
    }
}
