# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Files of a sequence folder: its images, and what is written when the sequence is complete."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from jasmine_core import outputs
from jasmine_core.dataset.sequence import IMAGES, SEEN, Index, RgbImage, image_name, write_index
from jasmine_core.files import atomic_file, replace_folder
from jasmine_core.prepare.health_page import health_page
from jasmine_core.prepare.health_plot import draw_health
from jasmine_core.prepare.options import PrepareOptions
from jasmine_core.prepare.statistics import RecordingStatistics
from jasmine_core.report.page import save_page

HEALTH, REPORT, PAGE = "health.json", "report.png", "report.html"


def store_image(folder: Path, stamp: int, image: RgbImage, options: PrepareOptions) -> int:
    """Write the image [H,W,3] of a timestamp [ns] and return the size of its file [bytes]."""
    suffix = options.image_format
    flags = [cv2.IMWRITE_JPEG_QUALITY, options.quality] if suffix == "jpg" else []
    data = _encoded(f".{suffix}", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), flags)
    (folder / image_name(stamp, suffix)).write_bytes(data)
    return len(data)


def image_is_intact(folder: Path, record: dict[str, Any], options: PrepareOptions) -> bool:
    """Return whether the image of a journal record is on the disk with its full size."""
    if "bytes" not in record:
        return True
    path = folder / image_name(record["stamp"], options.image_format)
    return path.is_file() and path.stat().st_size == record["bytes"]


def complete_folder(
    work: Path,
    folder: Path,
    index: Index,
    seen: NDArray[np.bool_],
    health: dict[str, Any],
    statistics: RecordingStatistics,
) -> None:
    """Write the files of a complete sequence and give its folder the final name.

    Args:
        work: hidden folder with the images; those that the index does not name are deleted.
        folder: final folder of the sequence.
        index: index of the sequence.
        seen: mask [H,W] of the pixels that show the scene.
        health: content of `health.json`.
        statistics: statistics of the recording, for the health figure.

    Raises:
        OSError: a file cannot be written.
    """
    write_index(index, work)
    if not seen.all():
        with atomic_file(work / SEEN) as temporary:
            temporary.write_bytes(_encoded(".png", seen.astype(np.uint8) * 255, []))
    with atomic_file(work / HEALTH) as temporary:
        temporary.write_text(json.dumps(health, indent=2) + "\n")
    draw_health(health, statistics, index, work, work / REPORT)
    save_page(work / PAGE, lambda: health_page(health, statistics, index, work))
    used = {f.image for f in index.frames}
    for path in (work / IMAGES).iterdir():
        if f"{IMAGES}/{path.name}" not in used:
            path.unlink()
    outputs.record(work)
    os.sync()  # After a power cut the final name must not point to empty images.
    outputs.expect_own(folder)
    replace_folder(work, folder)


def _encoded(suffix: str, image: cv2.typing.MatLike, flags: list[int]) -> bytes:
    return cv2.imencode(suffix, image, flags)[1].tobytes()
