"""Sending files into a case, with progress.

Guaranteed: a file is read twice in pieces and never held whole: once for its digests, once on its way; a change between
the two is refused, because the service's own digests are compared with the first. A large file that this institution
began to send, in whatever way that ended, goes on where the service says. Not guaranteed: the line's speed.
"""

import threading
from pathlib import Path
from typing import Final

from rich.progress import Progress

from tiezheng.cli.drafts import attach, media_type
from tiezheng.cli.files import open_file
from tiezheng.cli.output import say
from tiezheng.client import RESUMABLE_FROM_BYTES, Client
from tiezheng.content import Attachment
from tiezheng.digest import FileDigests, digest_file
from tiezheng.errors import NotFound, Unavailable
from tiezheng.json_members import read_hex

_taken: Final[set[str]] = set()
_lock: Final = threading.Lock()


def unfinished(client: Client, digests: FileDigests, case: bytes | None = None) -> tuple[bytes, str] | None:
    """Case and id of an upload of the same bytes that was begun before: into this case, or into one that was not
    opened yet. Each is given out once, as a folder may hold the same file twice."""
    if digests.size < RESUMABLE_FROM_BYTES:
        return None
    wanted = digests.sm3.hex()
    for one in client.uploads(case):
        if one.get("sm3") != wanted or one.get("size") != digests.size:
            continue
        found, upload = read_hex(one.get("case"), "case", 32), read_hex(one.get("id"), "id", 16).hex()
        if case is None and _is_open(client, found):
            continue
        with _lock:
            if upload in _taken:
                continue
            _taken.add(upload)
        return found, upload
    return None


def _is_open(client: Client, case: bytes) -> bool:
    try:
        client.case(case)
    except NotFound:
        return False
    return True


def send_file(
    client: Client,
    case: bytes,
    path: Path,
    bar: Progress | None = None,
    digests: FileDigests | None = None,
    upload: str | None = None,
) -> Attachment:
    """Upload one file; the attachment that stands for it. Raises `file.*`, Malformed, Unavailable."""
    open_file(path).close()
    if digests is None:
        digests = digest_file(path)
    if upload is None:
        upload = (unfinished(client, digests, case) or (case, None))[1]
    task = None if bar is None else bar.add_task(path.name, total=digests.size)

    def moved(sent: int) -> None:
        if bar is not None and task is not None:
            bar.update(task, completed=sent)

    if upload is not None:
        say(f"继续此前的上传：{path.name}", f"Going on with an earlier upload: {path.name}", error=True)
    try:
        client.upload(case, path, media_type(path), digests=digests, progress=moved, upload=upload)
    except (Unavailable, KeyboardInterrupt):
        if digests.size >= RESUMABLE_FROM_BYTES:
            say(
                "已到达的部分由平台保留七天；再次运行同一命令，即从断点继续。",
                "The service keeps what arrived for seven days; run the same command again to go on from there.",
                error=True,
            )
        raise
    if bar is not None and task is not None:
        bar.remove_task(task)
    return attach(path, digests)
