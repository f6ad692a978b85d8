"""The disk is full, may not be written, or is slow: a code says so, nothing is half-written, and it goes on later."""

import errno
import os
import resource
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

import pytest

from anchors.leaves import leaves_path, publish
from ledger.services.receive_file import ReceiveFile
from ledger.storage.keyring import Keyring
from ledger.storage.objects import EncryptedObjects
from ledger.storage.sql_store import open_store
from tests.support.served import Served, check_problem
from tests.support.world import OFFICE
from tiezheng.errors import Unavailable
from tiezheng.statement import new_case_id

CASE = new_case_id(OFFICE, b"\1" * 28)


@contextmanager
def files_end_at(size: int) -> Iterator[None]:
    """The kernel lets no file of this process grow beyond this size, as a full disk would not."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


def test_a_leaves_file_for_which_there_is_no_room_leaves_nothing_and_comes_later(tmp_path: Path) -> None:
    path = leaves_path(tmp_path / "leaves", 0)
    with files_end_at(1000), pytest.raises(Unavailable) as caught:
        publish(path, [b"x" * 600, b"y" * 600])
    assert (caught.value.code, caught.value.detail) == ("object.store", "EFBIG")
    assert list(path.parent.iterdir()) == []
    publish(path, [b"x" * 600, b"y" * 600])
    assert path.stat().st_size == 1200


@pytest.mark.parametrize("failing", ["fsync", "replace"])
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EIO])
def test_a_publication_that_fails_at_its_end_keeps_the_earlier_file(
    failing: str, number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "state.json"
    publish(path, [b"before"])

    def fail(*_arguments: object, **_options: object) -> None:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(os, failing, fail)
        with pytest.raises(Unavailable) as caught:
            publish(path, [b"after"])
    assert (caught.value.code, caught.value.detail) == ("object.store", errno.errorcode[number])
    assert (path.read_bytes(), [one.name for one in tmp_path.iterdir()]) == (b"before", ["state.json"])


def test_an_upload_for_which_there_is_no_room_is_503_and_leaves_nothing(service: Served) -> None:
    headers = {**service.as_of(), "Content-Type": "text/plain"}
    address, data = f"/cases/{CASE.hex()}/files", os.urandom(3 << 20)
    before = service.stored()
    with files_end_at(1 << 20):
        answer = service.http.put(address, content=data, headers=headers)
    check_problem(answer, 503, "object.store")
    assert service.stored() == before
    assert list(service.home.objects.rglob("*.part")) == []
    assert service.http.put(address, content=data, headers=headers).status_code == 201


def test_while_the_database_cannot_grow_a_statement_is_503_and_the_same_bytes_are_taken_later(service: Served) -> None:
    filed, headers = service.world.deposit(occurred=service.clock.now - 1000), service.as_of()
    service.http.post("/statements", json=service.body(service.world.deposit()), headers=headers)
    before, body = service.stored(), service.body(filed)
    with files_end_at(4096):
        answer = service.http.post("/statements", json=body, headers=headers)
    assert answer.status_code == 503, answer.text
    assert answer.headers["Retry-After"]
    assert service.stored() == before
    taken = service.http.post("/statements", json=body, headers=headers)
    assert taken.status_code == 201
    again = service.http.post("/statements", json=body, headers=headers)
    assert (again.status_code, again.json()) == (200, taken.json())


def test_a_slow_disk_delays_an_upload_and_a_statement_and_loses_neither(
    service: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.fsync

    def slow(descriptor: int) -> None:
        time.sleep(0.3)
        real(descriptor)

    monkeypatch.setattr(os, "fsync", slow)
    headers = {**service.as_of(), "Content-Type": "text/plain"}
    answer = service.http.put(f"/cases/{CASE.hex()}/files", content=b"slow", headers=headers)
    assert answer.status_code == 201
    assert service.post(service.world.deposit(occurred=service.clock.now - 1000)).status_code == 201


def test_an_object_that_was_renamed_and_not_flushed_is_taken_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_store(tmp_path / "ledger.db")
    objects = EncryptedObjects(str(tmp_path / "objects"), Keyring(store.engine, b"\7" * 16))
    clock = type("Clock", (), {"now_ms": staticmethod(lambda: 1)})()
    receive = ReceiveFile(store, objects, clock)

    def fail(_directory: Path) -> None:
        raise OSError(errno.EIO, "flush")

    with monkeypatch.context() as patch:
        patch.setattr("ledger.storage.objects.flush_directory", fail)
        with pytest.raises(Unavailable) as caught:
            receive.receive(CASE, OFFICE, "text/plain", BytesIO(b"data"))
    assert caught.value.code == "object.store"
    assert [path for path in (tmp_path / "objects").rglob("*") if path.is_file()] == []
    store.close()
