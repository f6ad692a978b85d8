"""Files that arrive in several goes, on real SQLite and real files: cuts, lies, bounds, expiry, remains."""

import io
import itertools
import os
import random
from pathlib import Path

import pytest

from ledger.domain.limits import UPLOAD_LIFE_MS
from ledger.domain.records import UploadRow
from ledger.services.abandon_upload import Swept, sweep_uploads
from ledger.services.receive_upload import ReceiveUpload, Taken
from ledger.storage.growing import GrowingFile
from tests.integration.ledger.house import House
from tests.support.world import COURT, OFFICE
from tiezheng.digest import sha256, sm3
from tiezheng.errors import TiezhengError
from tiezheng.statement import new_case_id

MIB = 1 << 20
DATA = random.Random(5).randbytes(3 * MIB + 17)


@pytest.fixture
def case() -> bytes:
    return new_case_id(OFFICE, os.urandom(28))


class Piece:
    """A stream of some bytes that breaks after `reads` readings; `late` came and was not read."""

    def __init__(self, data: bytes, reads: int | None = None, late: bytes = b"") -> None:
        self.inner = io.BytesIO(data)
        self.reads = reads
        self.late = late

    def read(self, size: int, /) -> bytes:
        if self.reads is not None:
            if not self.reads:
                raise ConnectionResetError("gone")
            self.reads -= 1
        return self.inner.read(size)

    def rest(self) -> bytes:
        return self.late


def begin(house: House, case: bytes, data: bytes = DATA, **changes: object) -> UploadRow:
    arguments = {"institution": OFFICE, "size": len(data), "media_type": "video/mp4; codecs=x", "claimed_sm3": None}
    return house.uploads.begin(case, **{**arguments, **changes})  # type: ignore[arg-type]


def send(house: House, row: UploadRow, offset: int, data: bytes, uploads: ReceiveUpload | None = None) -> Taken:
    return (uploads or house.uploads).append(row.id, OFFICE, offset, len(data), Piece(data))


def another_process(house: House) -> ReceiveUpload:
    """The same store and objects without what the first one remembers."""
    return ReceiveUpload(house.store, house.growing, house.clock)


def files_in(house: House) -> list[Path]:
    return [one for one in (house.folder / "objects").rglob("*") if one.is_file()]


def held(house: House, case: bytes) -> bytes:
    return b"".join(house.read.open(case, sm3(DATA), OFFICE).pieces)


def code_of(caught: pytest.ExceptionInfo[TiezhengError]) -> str:
    return caught.value.code


@pytest.mark.parametrize("cuts", [[], [MIB], [MIB + 1, 2 * MIB + 5], [2 * MIB, 3 * MIB]])
@pytest.mark.parametrize("processes", [1, 3])
def test_a_file_in_pieces_comes_back_as_it_went_in(cuts: list[int], processes: int, house: House, case: bytes) -> None:
    row = begin(house, case, claimed_sm3=sm3(DATA))
    services = [house.uploads, another_process(house), another_process(house)][:processes]
    ends = [0, *cuts, len(DATA)]
    for index, (start, end) in enumerate(itertools.pairwise(ends)):
        assert not list(house.objects.names())
        taken = send(house, row, start, DATA[start:end], services[index % processes])
        assert taken.row.mark.offset == end
    assert taken.new
    assert (taken.row.sm3, taken.row.sha256) == (sm3(DATA), sha256(DATA))
    assert held(house, case) == DATA
    (file,) = house.read.list(case, OFFICE)
    assert (file.size, file.media_type, file.sha256) == (len(DATA), "video/mp4", sha256(DATA))
    with house.store.read() as tables:
        assert tables.files.holding(OFFICE).held == len(DATA)
        assert tables.uploads.reserved(OFFICE) == 0


def test_what_came_before_a_cut_stays_to_the_last_byte(house: House, case: bytes) -> None:
    row = begin(house, case)
    with pytest.raises(ConnectionResetError):
        house.uploads.append(row.id, OFFICE, 0, len(DATA), Piece(DATA, 2, DATA[2 * MIB : 2 * MIB + 100]))
    now = house.uploads.get(row.id, OFFICE)
    assert now.mark.offset == 2 * MIB + 100
    assert send(house, row, now.mark.offset, DATA[now.mark.offset :]).new
    assert held(house, case) == DATA


def test_what_was_written_and_never_recorded_is_cut_off_and_sealed_anew(house: House, case: bytes) -> None:
    row = begin(house, case)
    first = send(house, row, 0, DATA[:MIB]).row
    (part,) = files_in(house)
    before = part.read_bytes()
    with part.open("ab") as file:
        file.write(os.urandom(70_000))
    other = random.Random(6).randbytes(len(DATA) - MIB)
    uploads = another_process(house)
    taken = send(house, row, MIB, other, uploads)
    assert taken.row.sm3 == sm3(DATA[:MIB] + other)
    (whole,) = files_in(house)
    assert whole.read_bytes()[: first.mark.sealed] == before
    assert b"".join(house.objects.read(case, row.object_name)) == DATA[:MIB] + other


def test_a_crash_between_the_object_and_its_row_is_made_good_by_an_empty_piece(
    house: House, case: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = begin(house, case)
    whole = GrowingFile.commit

    def commit_and_die(self: GrowingFile) -> None:
        whole(self)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(GrowingFile, "commit", commit_and_die)
        with pytest.raises(KeyboardInterrupt):
            send(house, row, 0, DATA)
    assert house.read.list(case, OFFICE) == []
    uploads = another_process(house)
    assert send(house, row, len(DATA), b"", uploads).new
    assert held(house, case) == DATA


def test_whoever_missed_the_end_is_told_again_and_nothing_more_is_taken(house: House, case: bytes) -> None:
    row = begin(house, case)
    send(house, row, 0, DATA)
    again = send(house, row, len(DATA), b"")
    assert (again.new, again.row.sm3) == (False, sm3(DATA))
    for offset, data in ((0, DATA), (len(DATA), b"more"), (MIB, b"")):
        with pytest.raises(TiezhengError) as caught:
            send(house, row, offset, data)
        assert code_of(caught) == "upload.complete"
    with pytest.raises(TiezhengError) as caught:
        house.uploads.abandon(row.id, OFFICE)
    assert code_of(caught) == "upload.complete"
    assert held(house, case) == DATA


def test_a_file_that_the_case_holds_already_is_kept_once(house: House, case: bytes) -> None:
    house.receive.receive(case, OFFICE, "video/mp4", io.BytesIO(DATA))
    row = begin(house, case)
    assert not send(house, row, 0, DATA).new
    assert len(files_in(house)) == 1
    assert held(house, case) == DATA
    with house.store.read() as tables:
        assert tables.files.holding(OFFICE).held == len(DATA)


@pytest.mark.parametrize("processes", [1, 2])
def test_a_false_claim_leaves_nothing_behind(processes: int, house: House, case: bytes) -> None:
    row = begin(house, case, claimed_sm3=bytes(32))
    send(house, row, 0, DATA[:MIB])
    with pytest.raises(TiezhengError) as caught:
        send(house, row, MIB, DATA[MIB:], another_process(house) if processes == 2 else None)
    assert (code_of(caught), caught.value.got) == ("file.digest_mismatch", sm3(DATA).hex())
    assert files_in(house) == []
    assert house.uploads.list(OFFICE) == []
    assert house.read.list(case, OFFICE) == []


@pytest.mark.parametrize(
    ("offset", "length", "code", "expected"),
    [
        (MIB - 1, MIB, "upload.offset", MIB),
        (MIB + 1, MIB, "upload.offset", MIB),
        (0, MIB, "upload.offset", MIB),
        (MIB, len(DATA) - MIB + 1, "upload.size", len(DATA) - MIB),
        (MIB, MIB - 1, "upload.piece", MIB),
        (MIB, 0, "upload.piece", MIB),
    ],
)
def test_a_piece_that_does_not_fit_is_refused_and_changes_nothing(
    offset: int, length: int, code: str, expected: int, house: House, case: bytes
) -> None:
    row = begin(house, case)
    send(house, row, 0, DATA[:MIB])
    with pytest.raises(TiezhengError) as caught:
        send(house, row, offset, bytes(length))
    assert (code_of(caught), caught.value.expected) == (code, expected)
    assert send(house, row, MIB, DATA[MIB:]).row.sm3 == sm3(DATA)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"institution": COURT}, "case.not_participant"),
        ({"size": 0}, "file.empty"),
        ({"size": (1 << 40) + 1}, "file.too_large"),
        ({"media_type": "video"}, "file.media_type"),
    ],
)
def test_what_cannot_be_begun_reserves_nothing(
    changes: dict[str, object], code: str, house: House, case: bytes
) -> None:
    with pytest.raises(TiezhengError) as caught:
        begin(house, case, **changes)
    assert code_of(caught) == code
    assert house.uploads.list(OFFICE) == []


def test_an_institution_sends_no_more_files_at_once_than_it_may(
    house: House, case: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ledger.services.receive_upload.UPLOADS_OPEN_MAX", 2)
    first = begin(house, case)
    begin(house, case)
    with pytest.raises(TiezhengError) as caught:
        begin(house, case)
    assert (code_of(caught), caught.value.expected) == ("upload.too_many", 2)
    house.uploads.abandon(first.id, OFFICE)
    begin(house, case)


def test_the_quota_counts_files_and_open_uploads_and_says_what_is_left(house: House, case: bytes) -> None:
    with house.store.write() as tables:
        tables.files.put_quota(OFFICE, 1_000)
    house.receive.receive(case, OFFICE, "a/b", io.BytesIO(bytes(300)))
    row = begin(house, case, size=600)
    for attempt in (
        lambda: begin(house, case, size=101),
        lambda: house.receive.receive(case, OFFICE, "a/b", io.BytesIO(b"x" * 101)),
        lambda: house.receive.receive(case, OFFICE, "a/b", Piece(b"", 0), announced=101),
    ):
        with pytest.raises(TiezhengError) as caught:
            attempt()  # type: ignore[no-untyped-call]
        assert (code_of(caught), caught.value.expected, caught.value.got) == ("file.quota", 100, 101)
    house.receive.receive(case, OFFICE, "a/b", io.BytesIO(b"y" * 100))
    assert send(house, row, 0, bytes(600)).new
    with house.store.read() as tables:
        assert tables.files.holding(OFFICE).held == 1_000
    with house.store.write() as tables:
        tables.files.put_quota(OFFICE, None)
    begin(house, case)
    begin(house, new_case_id(COURT, bytes(28)), institution=COURT)


def test_a_case_takes_no_more_files_than_it_may_by_this_way_either(
    house: House, case: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = begin(house, case)
    house.receive.receive(case, OFFICE, "a/b", io.BytesIO(b"one"))
    for module in ("receive_upload", "file_room"):
        monkeypatch.setattr(f"ledger.services.{module}.FILES_PER_CASE_MAX", 1)
    with pytest.raises(TiezhengError) as caught:
        begin(house, case)
    assert code_of(caught) == "file.too_many"
    with pytest.raises(TiezhengError) as caught:
        send(house, row, 0, DATA)
    assert code_of(caught) == "file.too_many"
    assert len(files_in(house)) == 1
    assert house.uploads.list(OFFICE) == []


def test_nobody_elses_upload_can_be_seen_filled_or_dropped(house: House, case: bytes) -> None:
    row = begin(house, case)
    for attempt in (
        lambda: house.uploads.get(row.id, COURT),
        lambda: house.uploads.append(row.id, COURT, 0, MIB, Piece(DATA[:MIB])),
        lambda: house.uploads.abandon(row.id, COURT),
        lambda: house.uploads.get(bytes(16), OFFICE),
    ):
        with pytest.raises(TiezhengError) as caught:
            attempt()
        assert code_of(caught) == "upload.not_found"
    assert house.uploads.list(COURT) == []
    assert house.uploads.list(OFFICE, new_case_id(OFFICE, bytes(28))) == []
    assert house.uploads.list(OFFICE, case) == [row]


def test_while_one_writes_nobody_else_writes_or_drops(house: House, case: bytes) -> None:
    row = begin(house, case)
    other, told = another_process(house), list[str]()

    class Meanwhile(Piece):
        def read(self, size: int, /) -> bytes:
            for attempt in (
                lambda: send(house, row, 0, DATA, other),
                lambda: other.abandon(row.id, OFFICE),
            ):
                with pytest.raises(TiezhengError) as caught:
                    attempt()
                told.append(code_of(caught))
            house.clock.now += UPLOAD_LIFE_MS - 1
            assert sweep_uploads(house.store, house.growing, house.clock) == Swept()
            return super().read(size)

    house.uploads.append(row.id, OFFICE, 0, MIB, Meanwhile(DATA[:MIB]))
    assert set(told) == {"upload.busy"}
    assert send(house, row, MIB, DATA[MIB:], other).row.sm3 == sm3(DATA)


def test_an_upload_expires_seven_days_after_its_last_byte_and_is_swept(house: House, case: bytes) -> None:
    row, fresh = begin(house, case), begin(house, case)
    house.clock.now += UPLOAD_LIFE_MS - 1
    send(house, row, 0, DATA[:MIB])
    house.clock.now += 1
    assert [one.id for one in house.uploads.list(OFFICE)] == [row.id], "expired ones are gone before they are swept"
    with pytest.raises(TiezhengError) as caught:
        send(house, fresh, 0, DATA)
    assert code_of(caught) == "upload.not_found"
    assert sweep_uploads(house.store, house.growing, house.clock) == Swept(1, 0)
    house.clock.now += UPLOAD_LIFE_MS - 2
    assert sweep_uploads(house.store, house.growing, house.clock) == Swept()
    house.clock.now += 1
    assert sweep_uploads(house.store, house.growing, house.clock) == Swept(1, MIB)
    assert files_in(house) == []
    with house.store.read() as tables:
        assert tables.uploads.get(row.id) is None
        assert tables.uploads.reserved(OFFICE) == 0


def test_the_sweep_forgets_finished_uploads_and_keeps_their_files(house: House, case: bytes) -> None:
    row = begin(house, case)
    send(house, row, 0, DATA)
    house.clock.now += UPLOAD_LIFE_MS
    assert sweep_uploads(house.store, house.growing, house.clock) == Swept()
    with house.store.read() as tables:
        assert tables.uploads.get(row.id) is None
    assert held(house, case) == DATA


def test_an_abandoned_upload_is_gone_with_what_arrived(house: House, case: bytes) -> None:
    row = begin(house, case)
    send(house, row, 0, DATA[:MIB])
    house.uploads.abandon(row.id, OFFICE)
    assert files_in(house) == []
    with pytest.raises(TiezhengError) as caught:
        send(house, row, MIB, DATA[MIB:])
    assert code_of(caught) == "upload.not_found"
    assert files_in(house) == []


def test_a_part_that_somebody_shortened_or_removed_is_an_integrity_fault(house: House, case: bytes) -> None:
    row = begin(house, case)
    send(house, row, 0, DATA[:MIB])
    (part,) = files_in(house)
    os.truncate(part, 1_000)
    with pytest.raises(TiezhengError) as caught:
        send(house, row, MIB, DATA[MIB:])
    assert code_of(caught) == "object.corrupt"
    part.unlink()
    with pytest.raises(TiezhengError) as caught:
        send(house, row, MIB, DATA[MIB:])
    assert code_of(caught) == "object.missing"


def test_a_part_that_somebody_altered_is_found_when_it_is_read_again(house: House, case: bytes) -> None:
    row = begin(house, case)
    send(house, row, 0, DATA[:MIB])
    (part,) = files_in(house)
    with part.open("r+b") as file:
        file.seek(500_000)
        file.write(b"!")
    with pytest.raises(TiezhengError) as caught:
        send(house, row, MIB, DATA[MIB:], another_process(house))
    assert code_of(caught) == "object.corrupt"
    assert house.read.list(case, OFFICE) == []
