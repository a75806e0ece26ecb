# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Summary of the runs in one folder: `summary.json` and `summary.html`."""

from __future__ import annotations

import json
import math
import os
from contextlib import AbstractContextManager, suppress
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jasmine_core.errors import JasmineError
from jasmine_core.files import atomic_file, read_json
from jasmine_core.locks import exclusive
from jasmine_core.outputs import announce, expect_own, record
from jasmine_core.report.blocks import Block, Cell, Link, Page, Section, Table, Text, Tiles
from jasmine_core.report.page import save_page
from jasmine_core.store.overview import gathered
from jasmine_core.store.paths import url_of, with_urls
from jasmine_ros.commands.console import one_line
from jasmine_ros.commands.run_report import END_OF_BAG, LIMIT, PAGE, PREVIEW, REPORT

FAILURE = "failure.json"
SUMMARY = ("summary.json", "summary.html")
_BUSY = "writes the summary of the results"
_DAMAGED = (OSError, ValueError, KeyError, TypeError, OverflowError)
_LARGEST = 1e15  # of a number in a report
_MOST_ROWS = 5000  # recordings on the page
_HEADER = ("recording", "state", "images", "seconds", "median depth", "scale", "ended by")


def write_failure(output: Path, bag: Path, reason: str) -> None:
    """Write why a recording has no result to its folder, if it can be written to."""
    with suppress(OSError, JasmineError):
        expect_own(output, FAILURE)
        with atomic_file(output / FAILURE) as temporary:
            content = {"bag": url_of(bag), "error": with_urls(reason)}
            temporary.write_text(json.dumps(content, indent=2) + "\n")
        record(output, FAILURE)


def clear_failure(output: Path) -> None:
    """Remove the reason of an earlier failure."""
    with suppress(OSError, JasmineError):
        expect_own(output, FAILURE)
        (output / FAILURE).unlink()


def collect(folder: Path) -> dict[str, Any]:
    """Return the summary of the results in the folders below a folder.

    It depends on the results alone, so that machines that share the folder write the same one.
    """
    rows = {}
    for place in sorted(p for p in folder.iterdir() if p.is_dir()):
        row = _row(place)
        if row is not None:
            rows[place.name] = row
    done = [row for row in rows.values() if row["state"] == "finished"]
    return {
        "recordings": len(rows),
        "finished": len(done),
        "failed": len(rows) - len(done),
        "images": sum(row["processed"] for row in done),
        "seconds": round(sum(row["seconds"] for row in done), 3),
        "results": rows,
    }


def _row(place: Path) -> dict[str, Any] | None:
    with suppress(*_DAMAGED):
        failure = read_json(place / FAILURE)
        return {"state": "failed", "bag": str(failure["bag"]), "reason": _text(failure["error"])}
    with suppress(*_DAMAGED):
        report = read_json(place / REPORT)
        frames = report["frames"]
        ended_by, median = _text(report["ended_by"]), report["depth"]["median"]
        return {
            "state": "finished" if ended_by in (END_OF_BAG, LIMIT) else "failed",
            "bag": str(report["bag"]),
            "reason": ended_by,
            "processed": int(_number(frames["processed"])),
            "received": int(_number(frames["received"])),
            "seconds": _number(report["seconds"]),
            "scale": _text(report["scale"]["state"]),
            "median_depth": None if median is None else _number(median),
        }
    return None


def _text(value: Any) -> str:
    return one_line(str(value))  # The reports are not trusted.


def _number(value: Any) -> float:
    number = float(value)
    if not math.isfinite(number) or abs(number) > _LARGEST:
        raise ValueError(f"{number} is outside the range of a report")
    return number


def expect_room(folder: Path) -> None:
    """Raise JasmineError if a file of the user is in the place of the summary."""
    with _results(folder) as local, exclusive(local, waiting_for=_BUSY):
        expect_own(local, *SUMMARY)


def _results(folder: Path) -> AbstractContextManager[Path]:
    return gathered(folder, (REPORT, FAILURE), (PREVIEW, PAGE), SUMMARY)


def write_summary(folder: Path) -> None:
    """Write summary.json and summary.html of the results in a folder.

    Processes that share the folder write them one after the other.
    """
    with _results(folder) as local, exclusive(local, waiting_for=_BUSY):
        folder = local
        expect_own(folder, *SUMMARY)
        found = collect(folder)
        data = (json.dumps(found, indent=2) + "\n").encode()
        announce(folder, "summary.json", len(data))
        with atomic_file(folder / "summary.json") as temporary:
            temporary.write_bytes(data)
        save_page(
            folder / "summary.html",
            lambda: _page(found, folder),
            partial(announce, folder, "summary.html"),
        )
        record(folder, *SUMMARY)


def _page(found: dict[str, Any], folder: Path) -> Page:
    results = list(found["results"].items())[:_MOST_ROWS]
    rows: list[tuple[Cell, ...]] = []
    for name, row in results:
        place, link = folder / name, quote(os.fsencode(name))
        files = [file for file in (PAGE, PREVIEW) if (place / file).is_file()]
        image = f"{link}/{PREVIEW}" if PREVIEW in files else ""
        depth = row.get("median_depth")
        rows.append(
            (
                Link(name, f"{link}/{files[0]}", image) if files else name,
                row["state"],
                f"{row['processed']} of {row['received']}" if "processed" in row else "",
                str(row.get("seconds", "")),
                "" if depth is None else f"{depth:.3g}",
                row.get("scale", ""),
                row["reason"],
            )
        )
    failed = tuple(i for i, (_, row) in enumerate(results) if row["state"] == "failed")
    blocks: list[Block] = [
        Tiles(
            (
                (str(found["finished"]), "recordings finished"),
                (str(found["failed"]), "recordings failed"),
                (str(found["images"]), "images processed"),
                (f"{found['seconds']:.0f}", "seconds of processing"),
            )
        ),
        Table(_HEADER, tuple(rows), (2, 3, 4), failed),
    ]
    if len(results) < found["recordings"]:
        text = f"These are the first {_MOST_ROWS} recordings; summary.json has all."
        blocks.insert(1, Text(text))
    return Page(
        f"Depth of {found['recordings']} recordings",
        f"{found['images']} images in {found['seconds']:.1f} s.",
        (Section("Recordings", tuple(blocks), wide=True),),
        "problem" if failed else "good",
        f"{found['failed']} failed" if failed else "all finished",
        linked_images=True,
        with_origin=False,  # Machines that share the folder write the same page.
    )
