"""The command line's side of uploads: what was begun before is found again, and nothing that arrived is sent again."""

import os
from pathlib import Path

import pytest

from tests.support.served import Served
from tests.support.world import FILE, OFFICE
from tiezheng.cli.uploads import send_file, unfinished
from tiezheng.client import RESUMABLE_FROM_BYTES, Client
from tiezheng.client.uploads import begin_upload
from tiezheng.digest import digest_file
from tiezheng.statement import new_case_id

MIB = 1 << 20


@pytest.fixture
def film(tmp_path: Path) -> Path:
    path = tmp_path / "film.mp4"
    path.write_bytes(os.urandom(RESUMABLE_FROM_BYTES + 5))
    return path


def begin(client: Client, case: bytes, film: Path) -> str:
    """What a command leaves behind that was ended after its first 3 MiB."""
    digests = digest_file(film)
    upload = begin_upload(client._transport, case, digests.size, "video/mp4", digests.sm3)
    headers = {"Content-Type": "application/partial-upload", "Upload-Offset": "0"}
    first = film.read_bytes()[: 3 * MIB]
    with client._transport.answer("PATCH", f"/uploads/{upload}", content=first, headers=headers) as answer:
        assert answer.headers["upload-offset"] == str(3 * MIB)
    return upload


def test_the_same_command_again_goes_on_in_the_same_case_and_sends_only_the_rest(service: Served, film: Path) -> None:
    case, told = new_case_id(OFFICE, os.urandom(28)), list[int]()
    with service.client() as client:
        upload = begin(client, case, film)
        assert unfinished(client, digest_file(film)) == (case, upload)
        assert unfinished(client, digest_file(film)) is None, "one upload is given out once"
        assert client.upload(case, film, "video/mp4", progress=told.append, upload=upload) == digest_file(film)
        assert told[0] == 3 * MIB
        assert told == sorted(told)
        (view,) = client.uploads(case)
        assert (view["complete"], view["offset"]) == (True, film.stat().st_size)
        sent = list[int]()
        client.upload(case, film, "video/mp4", progress=sent.append, upload=upload)
        assert sent == [film.stat().st_size], "what is complete is not sent again"


def test_a_step_goes_on_with_the_upload_into_its_own_case(service: Served, film: Path) -> None:
    case, other = (new_case_id(OFFICE, os.urandom(28)) for _ in range(2))
    with service.client() as client:
        begin(client, other, film)
        upload = begin(client, case, film)
        assert send_file(client, case, film).digests == digest_file(film)
        assert [one["id"] for one in client.uploads(case)] == [upload]
        assert [one["complete"] for one in client.uploads(other)] == [False]


def test_an_upload_into_a_case_that_was_opened_since_is_left_alone_by_a_new_deposit(
    service: Served, film: Path
) -> None:
    filed = service.world.deposit()
    with service.client() as client:
        begin(client, filed.statement.case, film)
        client.submit(filed.signed, filed.content, not_held=[filed.content.attachments[0].digests.sm3])
        assert unfinished(client, digest_file(film)) is None


def test_a_small_file_is_put_in_one_request(service: Served, tmp_path: Path) -> None:
    path, case = tmp_path / "small.txt", new_case_id(OFFICE, os.urandom(28))
    path.write_bytes(FILE)
    with service.client() as client:
        send_file(client, case, path)
        assert client.uploads() == []


def test_a_large_file_goes_by_the_way_that_survives_cuts(service: Served, film: Path) -> None:
    case = new_case_id(OFFICE, os.urandom(28))
    with service.client() as client:
        assert client.upload(case, film, "video/mp4") == digest_file(film)
        assert [one["complete"] for one in client.uploads(case)] == [True]
