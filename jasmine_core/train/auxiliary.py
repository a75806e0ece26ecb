# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Auxiliary images of a training, which the network rebuilds (Eq. 5)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from jasmine_core.dataset.sequence import DatasetError, RgbImage
from jasmine_core.geometry.camera import Size, crop
from jasmine_core.store.members import File
from jasmine_core.store.paths import files_below, is_remote, url_of

IMAGES = (".png", ".jpg", ".jpeg")


def auxiliary_images(name: str) -> list[File]:
    """Return the images in a folder, sorted by path; none for "" and "self"."""
    if name in ("", "self"):
        return []
    folder = Path(name)
    below = [f.path for f in files_below(folder)] if is_remote(folder) else folder.rglob("*")
    found: list[File] = [*sorted(f for f in below if f.suffix.lower() in IMAGES)]
    if not found:
        raise DatasetError(f"{url_of(folder)} holds no {', '.join(IMAGES)} to rebuild")
    return found


def filling(image: RgbImage, size: Size, place: float) -> RgbImage:
    """Return the part of an image that fills the size, at 0..1 of the way along its free side."""
    source = image.shape[1], image.shape[0]
    if source == size:
        return image
    centred = crop(source, size)
    w = centred.source_window
    window = w._replace(
        x=round(place * (source[0] - w.width)), y=round(place * (source[1] - w.height))
    )
    return replace(centred, source_window=window).image(image)
