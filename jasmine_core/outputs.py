# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Record of the files that this program wrote, so that it deletes and overwrites no others.

FOLDER/.jasmine.json   {"files": {"report.json": 1234, "depth/depth.mcap": 5678}}: sizes [bytes]

While a file is replaced, its entry is a list of the old and the new size. A process that is killed
then leaves no file that the next process takes for one of the user's.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from jasmine_core.errors import JasmineError
from jasmine_core.files import atomic_file, read_json

MARKER = ".jasmine.json"


def record(folder: Path, *names: str) -> None:
    """Record all files of a folder as written by this program, or only those of some names."""
    files = _recorded(folder, names) if names else {}
    for file in map(folder.joinpath, names) if names else _files(folder):
        if file.is_file():
            files[file.relative_to(folder).as_posix()] = [file.lstat().st_size]
    _write(folder, files)


def announce(folder: Path, name: str, size: int) -> None:
    """Record that a file will have a size [bytes], before it takes the place of an earlier one."""
    files = _recorded(folder, (name,))
    files[name] = sorted({*files.get(name, []), size})
    _write(folder, files)


def _write(folder: Path, sizes: dict[str, list[int]]) -> None:
    files = {name: known[0] if len(known) == 1 else known for name, known in sizes.items()}
    with atomic_file(folder / MARKER) as temporary:
        temporary.write_text(json.dumps({"files": files}, indent=1) + "\n")


def expect_own(folder: Path, *names: str) -> None:
    """Raise JasmineError if a folder, or some names in it, hold what this program did not write.

    A folder or a name that does not exist is no error.
    """
    if os.path.lexists(folder) and (folder.is_symlink() or not folder.is_dir()):
        raise JasmineError(
            f"{folder} is not a folder that this program wrote; move it, or choose another folder "
            "with -o"
        )
    recorded = _recorded(folder, names)
    for file in map(folder.joinpath, names) if names else _files(folder):
        if not os.path.lexists(file):
            continue
        name = file.relative_to(folder).as_posix()
        if file.is_symlink() or file.lstat().st_size not in recorded.get(name, []):
            raise JasmineError(
                f"{file} is in the place of a result, but this program did not write it; move it, "
                "or choose another folder with -o"
            )


def expect_outside(folder: Path, *inputs: Path | None) -> None:
    """Raise JasmineError if an input is the output folder, or lies in it, by real paths."""
    target = folder.resolve()
    for given in inputs:
        if given is not None and target in (given.resolve(), *given.resolve().parents):
            raise JasmineError(
                f"{given} would be replaced by the results in {folder}; choose another folder "
                "with -o"
            )


def _files(folder: Path) -> Iterator[Path]:
    """Yield all files below a folder but the markers; links to folders are files."""
    for place, folders, files in os.walk(folder):
        links = [name for name in folders if Path(place, name).is_symlink()]
        yield from (Path(place, name) for name in [*files, *links] if name != MARKER)


def _recorded(folder: Path, names: Sequence[str]) -> dict[str, list[int]]:
    """Return what the markers of some names, or all below a folder, record, relative to it."""
    found: dict[str, list[int]] = {}
    # There may be thousands of other results below the folder of some names.
    places = {(folder / name).parent for name in names} | {folder}
    for marker in [place / MARKER for place in places] if names else folder.rglob(MARKER):
        try:
            files = read_json(marker)["files"]
            inside = marker.parent.relative_to(folder)
            found |= {
                (inside / name).as_posix(): [
                    int(s) for s in (known if isinstance(known, list) else [known])
                ]
                for name, known in files.items()
            }
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            continue  # Without a record nothing is taken for this program's own.
    return found
