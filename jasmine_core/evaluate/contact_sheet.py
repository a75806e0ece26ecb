# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Contact sheet: many small images with a line of text below each."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from jasmine_core.image_files import write_png

_TILE, _LINE, _GAP, _COLUMNS = 240, 18, 8, 4  # [px], [px], [px], number
_INK, _PAPER = 40, 255


def thumbnail(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return an RGB image [H,W,3] in the size of the sheet."""
    height = max(1, round(_TILE * image.shape[0] / image.shape[1]))
    small = cv2.resize(image, (_TILE, height), interpolation=cv2.INTER_AREA)
    return np.asarray(small[:_TILE], np.uint8)


def write_contact_sheet(path: Path, tiles: Sequence[tuple[NDArray[np.uint8], str]]) -> None:
    """Write thumbnails [h,w,3] RGB with their texts as a PNG file, row by row."""
    rows = []
    for first in range(0, len(tiles), _COLUMNS):
        row = tiles[first : first + _COLUMNS]
        height = max(image.shape[0] for image, _ in row)
        width = _COLUMNS * (_TILE + _GAP) + _GAP
        band = np.full((height + _LINE + _GAP, width, 3), _PAPER, np.uint8)
        for column, (image, text) in enumerate(row):
            left = _GAP + column * (_TILE + _GAP)
            band[_GAP : _GAP + image.shape[0], left : left + _TILE] = image[..., ::-1]
            place = (left, _GAP + height + _LINE - 6)
            shown = text.encode("ascii", "replace").decode()  # The font of OpenCV has no others.
            cv2.putText(
                band, shown[:40], place, cv2.FONT_HERSHEY_SIMPLEX, 0.38, (_INK,) * 3, 1, cv2.LINE_AA
            )
        rows.append(band)
    sheet = np.concatenate(rows) if rows else np.full((_LINE, _TILE, 3), _PAPER, np.uint8)
    write_png(path, sheet)
