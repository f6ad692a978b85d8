"""Sending files into a case, with progress.

Guaranteed: a file is read twice in pieces and never held whole: once for its digests, once on its way; a change between
the two is refused, because the service's own digests are compared with the first. Not guaranteed: the line's speed.
"""

from pathlib import Path

from rich.progress import Progress

from tiezheng.cli.drafts import attach, media_type
from tiezheng.cli.files import open_file
from tiezheng.client import Client
from tiezheng.content import Attachment
from tiezheng.digest import digest_file


def send_file(client: Client, case: bytes, path: Path, bar: Progress | None = None) -> Attachment:
    """Upload one file; the attachment that stands for it. Raises `file.*`, Malformed, Unavailable."""
    open_file(path).close()
    digests = digest_file(path)
    task = None if bar is None else bar.add_task(path.name, total=digests.size)

    def moved(sent: int) -> None:
        if bar is not None and task is not None:
            bar.update(task, completed=sent)

    client.upload(case, path, media_type(path), digests=digests, progress=moved)
    if bar is not None and task is not None:
        bar.remove_task(task)
    return attach(path, digests)
