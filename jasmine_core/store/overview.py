# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Small files of many results in a store, gathered on the disk for an overview of them."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from jasmine_core.outputs import MARKER
from jasmine_core.store.errors import explained
from jasmine_core.store.members import fetch
from jasmine_core.store.paths import files_below, filesystem, is_remote, url_of

LARGEST = 16 << 20  # [bytes] of a file that is gathered


@contextmanager
def gathered(
    output: Path, read: Collection[str], present: Collection[str], written: Collection[str]
) -> Iterator[Path]:
    """Yield a folder with the small files of results; upload what the block writes beside them.

    A folder that is not in a store is yielded as it is.

    Args:
        output: folder of the results, perhaps a URL.
        read: names of the files in the folder of each result that are copied to the disk.
        present: names of files that are empty on the disk, where only their existence counts.
        written: names of the files in the folder itself that the block writes.

    Raises:
        StoreError: the store cannot be used.
    """
    if not is_remote(output):
        yield output
        return
    fs, root = filesystem(output)
    with TemporaryDirectory(prefix="jasmine-overview-") as place:
        folder = Path(place) / output.name
        folder.mkdir()
        wanted: list[Path] = []
        for file in files_below(output):
            inside = file.path.relative_to(output)
            own = len(inside.parts) == 1 and inside.name in (*written, MARKER)
            of_result = len(inside.parts) == 2 and inside.name in read
            if len(inside.parts) == 2 and inside.name in present:
                (folder / inside).parent.mkdir(exist_ok=True)
                (folder / inside).touch()
            elif (own or of_result) and file.size <= LARGEST:
                wanted.append(file.path)
        for path, data in fetch(wanted).items():
            assert isinstance(path, Path)
            target = folder / path.relative_to(output)
            target.parent.mkdir(exist_ok=True)
            target.write_bytes(data)
        before = {name: _content(folder / name) for name in (MARKER, *written)}
        yield folder
        with explained(url_of(output)):
            for name, content in before.items():
                if (now := _content(folder / name)) is not None and now != content:
                    fs.pipe_file(f"{root}/{name}", now)


def _content(file: Path) -> bytes | None:
    return file.read_bytes() if file.is_file() else None
