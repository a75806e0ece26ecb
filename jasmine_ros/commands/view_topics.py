# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Choice of the topics of a recording that a viewer shows, and of the messages among them."""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import Any, NamedTuple

from jasmine_core.errors import BagError, FrameError
from jasmine_core.store.paths import url_of
from jasmine_ros.bags.bag_message import BagMessage
from jasmine_ros.bags.reader import CAMERA_INFO, COMPRESSED, IMAGE, Bag, without_strays
from jasmine_ros.bags.scan import ODOMETRY, stamp_of
from jasmine_ros.commands.view_sampling import Sampler
from jasmine_ros.commands.view_target import MOST_BYTES
from jasmine_ros.msgs.messages import stamp_ns
from jasmine_ros.msgs.transforms import TRANSFORMS
from jasmine_ros.msgs.video import VIDEO_TYPES, decodes, video_remedy
from jasmine_ros.node.topics import LATENCY, OUTPUTS

MOST_POINTS = 50_000  # of a cloud that is shown
CLOUD = "sensor_msgs/msg/PointCloud2"
_POINT = 16  # [bytes] of a point with its colour
_OVERHEAD = 1000  # [bytes] of a message beside its data
_log = logging.getLogger(__name__)


class Chosen(NamedTuple):
    """Topics of a recording that are shown."""

    names: list[str]
    spatial: list[str]  # those of them with images, depth or points
    video: str | None  # the one of them whose packets are decoded


def choose_topics(bag: Bag) -> Chosen:
    """Return the topics of an open recording that can be shown.

    Raises:
        BagError: it has neither images nor depth nor points.
    """
    used = [topic for topic in bag.topics.values() if topic.count]
    videos = [topic for topic in used if topic.type in VIDEO_TYPES]
    video = next((topic.name for topic in videos if decodes(topic.type)), None)
    for topic in videos:
        if topic.name != video:
            left_out = f"{topic.name} is left out, because one video can be shown, {video}"
            remedy = video_remedy(topic.name, topic.type)
            _log.warning("%s", left_out if video and decodes(topic.type) else remedy)
    kinds = (IMAGE, COMPRESSED, CLOUD)
    spatial = [topic.name for topic in used if topic.type in kinds or topic.name == video]
    if not spatial:
        names = ", ".join(f"{topic.name} ({topic.type})" for topic in used) or "none"
        raise BagError(
            f"{url_of(bag.path)} has no images, depth or point clouds that can be shown; its "
            f"topics with messages: {names}"
        )
    moving = any(t.type == TRANSFORMS and not t.name.endswith("_static") for t in used)
    others = {CAMERA_INFO, TRANSFORMS, *(() if moving else (ODOMETRY,))}
    latency = [t.name for t in used if t.type == OUTPUTS[LATENCY] and t.name.endswith(LATENCY)]
    beside = [topic.name for topic in used if topic.type in others]
    return Chosen([*spatial, *beside, *latency], spatial, video)


def choose_messages(bag: Bag, chosen: Chosen, most: int) -> Sampler:
    """Return the choice of at most `most` messages of each topic, of fewer if they are large."""
    densest = max(chosen.spatial, key=lambda name: bag.topics[name].count)
    logged = without_strays(bag.stamps(densest))
    ends = [_at(bag, densest, at) for at in (logged[0], logged[-1])]
    stamps = [end[0] for end in ends if end]
    first, last = stamps if len(stamps) == 2 and stamps[0] < stamps[1] else (logged[0], logged[-1])
    size = 0  # [bytes]
    for name in chosen.spatial:
        one = _at(bag, name)
        size += min(bag.topics[name].count, most) * (shown_size(one[1]) if one else 0)
    if size > MOST_BYTES:
        most = max(1, min(most, bag.topics[densest].count) * MOST_BYTES // size)
        _log.info("the messages are large: at most %d of each topic are shown", most)
    return Sampler(first, last, most)


def _at(bag: Bag, topic: str, start: int | None = None) -> tuple[int, Any] | None:
    """Return stamp [ns] and first message of a topic from a time [ns] on, None if damaged."""
    with suppress(FrameError, BagError):
        for message in bag.messages([topic], start):
            decoded = bag.decode(message)
            return time_of(decoded, message), decoded
    return None


def time_of(decoded: Any, message: BagMessage) -> int:
    """Return the stamp [ns] of a message; the time of recording if it has none."""
    if hasattr(decoded, "header"):
        return stamp_of(decoded, message)
    if getattr(decoded, "transforms", ()):
        return stamp_ns(decoded.transforms[0].header.stamp) or message.stamp
    return message.stamp


def shown_size(decoded: Any) -> int:
    """Return about how many bytes a message has in the viewer."""
    if hasattr(decoded, "point_step"):
        return min(int(decoded.width) * int(decoded.height), MOST_POINTS) * _POINT + _OVERHEAD
    data = getattr(decoded, "data", b"") if hasattr(decoded, "header") else b""
    return len(data) + _OVERHEAD
