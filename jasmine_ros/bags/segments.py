# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""List of segments of recordings: `jasmine mine` writes it, `jasmine prepare` reads it.

{"segments": [{"recording": "road_0003", "start": 1700000000000000000, "stop": ...}, ...]}
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from jasmine_core.errors import ConfigError
from jasmine_core.files import MAX_TEXT, atomic_file, json_of
from jasmine_core.store.paths import read_limited, url_of

CHOSEN = "chosen.json"
Windows = tuple[tuple[int, int], ...]  # times of recording [ns], from start to before stop


def write_chosen(path: Path, segments: Sequence[tuple[str, int, int]]) -> None:
    """Write segments (name of the recording, start, stop [ns]), sorted."""
    rows = [{"recording": name, "start": a, "stop": b} for name, a, b in sorted(segments)]
    with atomic_file(path) as temporary:
        temporary.write_text(json.dumps({"segments": rows}, indent=1) + "\n")


def read_chosen(path: Path) -> Mapping[str, Windows]:
    """Return the segments of each recording, in order; those that touch are joined.

    Raises:
        ConfigError: the file cannot be read, or has no segment.
    """
    found: dict[str, list[tuple[int, int]]] = {}
    try:
        for row in json_of(read_limited(path, MAX_TEXT))["segments"]:
            start, stop = int(row["start"]), int(row["stop"])
            if start >= stop:
                raise ValueError(f"a segment ends at {stop}, before it starts at {start}")
            found.setdefault(str(row["recording"]), []).append((start, stop))
    except (OSError, ValueError, KeyError, TypeError) as err:
        wrong = {
            KeyError: f"{err} is missing",
            TypeError: "it is not an object with a list of segments",
        }
        raise ConfigError(
            f"{url_of(path)} cannot be read as a list of segments: {wrong.get(type(err), err)}; "
            "write it with jasmine mine"
        ) from err
    if not found:
        raise ConfigError(f"{url_of(path)} has no segment; write it with jasmine mine")
    return {name: _joined(sorted(windows)) for name, windows in found.items()}


def _joined(windows: list[tuple[int, int]]) -> Windows:
    joined: list[tuple[int, int]] = []
    for start, stop in windows:
        if joined and start <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(stop, joined[-1][1])
        else:
            joined.append((start, stop))
    return tuple(joined)


def inside(windows: Windows, at: int) -> bool:
    """Return whether a time of recording [ns] lies in one of some windows; all do if none is."""
    return not windows or any(start <= at < stop for start, stop in windows)
