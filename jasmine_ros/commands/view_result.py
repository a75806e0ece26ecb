# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Result of `jasmine run` in Rerun: its bag, with the images of the recording it was made of."""

from __future__ import annotations

import logging
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from jasmine_core.errors import BagError
from jasmine_core.files import json_of
from jasmine_core.store.paths import exists, is_remote, read_limited, url_of
from jasmine_ros.bags.find import DEPTH_BAG
from jasmine_ros.bags.reader import Bag
from jasmine_ros.commands.run_report import REPORT
from jasmine_ros.commands.view_bag import Show, show_recording
from jasmine_ros.commands.view_target import Target
from jasmine_ros.commands.view_topics import Chosen, choose_topics
from jasmine_ros.node.topics import DEPTH

_LARGEST = 1 << 24  # [bytes] of a report
_log = logging.getLogger(__name__)


class _Source(NamedTuple):
    """Recording of which a result was made."""

    path: Path
    image: str  # topic
    camera_info: str  # topic, or the name of a calibration file


def result_view(folder: Path) -> Show:
    """Return a function that shows a folder of `jasmine run`."""
    with Bag(folder / DEPTH_BAG) as bag:
        chosen = choose_topics(bag)
    source = _source_of(folder)
    images = None
    if source and source.image not in chosen.names:
        images = _images_of(source)

    def show(target: Target) -> None:
        sampler = show_recording(target, folder / DEPTH_BAG, chosen)
        depth = [stamps for topic, stamps in sampler.taken.items() if topic.endswith(DEPTH)]
        if source and images and depth:
            show_recording(target, source.path, images, depth[0])

    return show


def _source_of(folder: Path) -> _Source | None:
    """Return the recording that the report names, which is not trusted; None without one."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        report = json_of(read_limited(folder / REPORT, _LARGEST))
        camera = report["camera"]
        return _Source(Path(report["bag"]), str(camera["image"]), str(camera["camera_info"]))
    return None


def _images_of(source: _Source) -> Chosen | None:
    """Return the images and the CameraInfo of a recording; None, and a log line, without them."""
    place = url_of(source.path)
    # A report must not make this program contact a server.
    if is_remote(source.path) or not exists(source.path):
        _log.info(
            "the images of the camera are in %s, which is not here; jasmine run --copy keeps them "
            "in the result",
            place,
        )
        return None
    try:
        with Bag(source.path) as bag:
            chosen = choose_topics(bag)
    except BagError as err:
        _log.warning("the images of the camera are not shown: %s", err)
        return None
    if source.image not in chosen.spatial:
        return None
    names = [name for name in (source.image, source.camera_info) if name in chosen.names]
    video = source.image if source.image == chosen.video else None
    return Chosen(names, [source.image], video)
