"""Evidence files: taking in, giving back, and what is left on the disk."""

import io
from pathlib import Path

import pytest

from ledger.services.stream_file import Reader
from tests.integration.ledger.house import House
from tests.support.world import COURT, FILE, OFFICE, World
from tiezheng.digest import sha256, sm3
from tiezheng.errors import IntegrityFault, TiezhengError
from tiezheng.statement import new_case_id

MIB = 1 << 20


@pytest.fixture
def case() -> bytes:
    return new_case_id(OFFICE, bytes(28))


def take(house: House, case: bytes, data: bytes, **changes: object) -> object:
    arguments = {"institution": OFFICE, "media_type": "text/plain", "reader": io.BytesIO(data), **changes}
    return house.receive.receive(case, **arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize("size", [1, MIB - 1, MIB, MIB + 1, 3 * MIB, 3 * MIB + 17])
def test_a_file_comes_back_as_it_went_in(size: int, house: House, case: bytes) -> None:
    data = bytes(range(256)) * (size // 256 + 1)
    data = data[:size]
    received = house.receive.receive(case, OFFICE, "video/mp4; codecs=x", io.BytesIO(data), sm3(data))
    assert received.new
    assert (received.digests.size, received.digests.sm3, received.digests.sha256) == (size, sm3(data), sha256(data))
    opened = house.read.open(case, sm3(data), OFFICE)
    assert opened.row.media_type == "video/mp4"
    assert b"".join(opened.pieces) == data


def test_the_same_file_again_is_kept_once(house: House, case: bytes) -> None:
    assert take(house, case, b"once").new  # type: ignore[attr-defined]
    assert not take(house, case, b"once").new  # type: ignore[attr-defined]
    assert len(list(house.objects.names())) == 1
    assert len(house.read.list(case, OFFICE)) == 1


class Breaking:
    """A stream that breaks after a while."""

    def __init__(self, pieces: int, error: BaseException) -> None:
        self.left = pieces
        self.error = error

    def read(self, size: int, /) -> bytes:
        if not self.left:
            raise self.error
        self.left -= 1
        return bytes(size)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"institution": COURT}, "case.not_participant"),
        ({"media_type": "text"}, "file.media_type"),
        ({"media_type": "a/" + "b" * 130}, "file.media_type"),
        ({"claimed_sm3": bytes(32)}, "file.digest_mismatch"),
        ({"reader": io.BytesIO(b"")}, "file.empty"),
    ],
)
def test_what_is_refused_leaves_nothing_behind(
    changes: dict[str, object], code: str, house: House, case: bytes, tmp_path: Path
) -> None:
    with pytest.raises(TiezhengError) as caught:
        take(house, case, b"data", **changes)
    assert caught.value.code == code
    assert nothing_left(tmp_path)


@pytest.mark.parametrize("error", [ConnectionResetError("gone"), KeyboardInterrupt()])
def test_a_stream_that_breaks_leaves_nothing_behind(
    error: BaseException, house: House, case: bytes, tmp_path: Path
) -> None:
    reader: Reader = Breaking(5, error)
    with pytest.raises(type(error)):
        take(house, case, b"", reader=reader)
    assert nothing_left(tmp_path)


def test_a_file_above_the_bound_is_refused(
    house: House, case: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ledger.services.receive_file.FILE_MAX_BYTES", 2 * MIB)
    with pytest.raises(TiezhengError) as caught:
        take(house, case, bytes(2 * MIB + 1))
    assert caught.value.code == "file.too_large"
    assert nothing_left(tmp_path)


def test_a_full_disk_is_told(house: House, case: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = house.objects.create(case)
    writer._file.close()
    monkeypatch.setattr(writer, "_file", Path("/dev/full").open("wb", buffering=0))  # noqa: SIM115  closed by abort
    monkeypatch.setattr(house.objects, "create", lambda _: writer)
    with pytest.raises(TiezhengError) as caught:
        take(house, case, bytes(4 * MIB))
    assert caught.value.code == "object.store"
    assert nothing_left(tmp_path)


def nothing_left(folder: Path) -> bool:
    return not [one for one in (folder / "objects").rglob("*") if one.is_file()]


def test_a_case_takes_no_more_files_than_it_may(house: House, case: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ledger.services.file_room.FILES_PER_CASE_MAX", 1)
    take(house, case, b"one")
    with pytest.raises(TiezhengError) as caught:
        take(house, case, b"two")
    assert caught.value.code == "file.too_many"


def test_strangers_and_wrong_digests_get_no_file(house: House, case: bytes) -> None:
    take(house, case, b"mine")
    for institution, wanted, code in (
        (COURT, sm3(b"mine"), "case.not_participant"),
        (OFFICE, sm3(b"yours"), "file.not_found"),
    ):
        with pytest.raises(TiezhengError) as caught:
            house.read.open(case, wanted, institution)
        assert caught.value.code == code


def test_a_file_that_was_altered_or_lost_on_the_disk_is_a_fault(house: House, case: bytes, tmp_path: Path) -> None:
    data = bytes(2 * MIB + 5)
    take(house, case, data)
    (name,) = house.objects.names()
    path = tmp_path / "objects" / name[:2] / name
    whole = path.read_bytes()
    for altered in (whole[:-1], whole[:30] + bytes([whole[30] ^ 1]) + whole[31:], whole[: MIB + 18 + 16]):
        path.write_bytes(altered)
        with pytest.raises(IntegrityFault) as caught:
            list(house.read.open(case, sm3(data), OFFICE).pieces)
        assert caught.value.code == "object.corrupt"
    path.unlink()
    with pytest.raises(IntegrityFault) as caught:
        list(house.read.open(case, sm3(data), OFFICE).pieces)
    assert caught.value.code == "object.missing"


def test_two_objects_of_one_case_cannot_change_places(house: House, case: bytes, tmp_path: Path) -> None:
    take(house, case, b"first")
    take(house, case, b"other")
    first, second = (tmp_path / "objects" / name[:2] / name for name in house.objects.names())
    mine, yours = first.read_bytes(), second.read_bytes()
    first.write_bytes(yours)
    second.write_bytes(mine)
    for row in house.read.list(case, OFFICE):
        with pytest.raises(IntegrityFault):
            list(house.read.open(case, row.sm3, OFFICE).pieces)


def test_an_uploaded_attachment_lets_the_statement_in_without_a_claim(house: House, world: World) -> None:
    filed = world.deposit()
    take(house, filed.statement.case, FILE)
    assert house.accept(filed, not_held=()).new
