# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Choice of the camera in a bag: its image topic and its calibration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from jasmine_core.errors import BagError, CameraError, FrameError
from jasmine_ros.bags.damage import DamagedMessages
from jasmine_ros.bags.reader import CAMERA_INFO, COMPRESSED, IMAGE, Bag, Topic
from jasmine_ros.bags.rosbags_messages import RosbagsMessages
from jasmine_ros.msgs.calibration_file import read_camera_info
from jasmine_ros.msgs.camera_info import calibration_of
from jasmine_ros.msgs.encodings import MAX_PIXELS, names_depth
from jasmine_ros.msgs.types import CameraInfo
from jasmine_ros.msgs.video import VIDEO_TYPES, decodes, video_remedy


@dataclass(frozen=True)
class CameraTopics:
    """Topics of one camera."""

    image: str
    info: str | None  # None: no CameraInfo was found, or a calibration file replaces it


def find_cameras(topics: Mapping[str, Topic]) -> list[CameraTopics]:
    """List the cameras of a bag, without depth and disparity images.

    A camera with a raw and a compressed topic is listed once, with the raw topic. Video streams are
    listed in a bag without other images.
    """
    named = [t for t in topics.values() if t.count and not names_depth(t.name)]
    names = [t.name for t in named if t.type in (IMAGE, COMPRESSED)]
    names = names or [t.name for t in named if decodes(t.type)]
    return [
        CameraTopics(name, find_camera_info(name, topics))
        for name in sorted(names)
        if not (name.endswith("/compressed") and name.removesuffix("/compressed") in names)
    ]


def find_camera_info(image: str, topics: Mapping[str, Topic]) -> str | None:
    """Return the CameraInfo topic in the namespace of an image topic, None if it has none.

    A video stream may be named after the raw topic of its camera, as image_transport does.
    """
    above = image.removesuffix("/compressed").rpartition("/")[0]
    places = [above]
    if image in topics and topics[image].type in VIDEO_TYPES:
        places.append(above.rpartition("/")[0])
    for place in places:
        beside = topics.get(f"{place}/camera_info")
        if beside and beside.type == CAMERA_INFO:
            return beside.name
    return None


def choose_camera(
    bag: Bag,
    image: str | None = None,
    info: str | None = None,
    max_pixels: int = MAX_PIXELS,
) -> CameraTopics:
    """Choose the camera of a bag, calibrated or not; the bag then decodes it if it is video.

    Args:
        bag: an open bag.
        image: image topic; None selects the only camera of the bag.
        info: CameraInfo topic; None selects the one in the namespace of the image topic.
        max_pixels: largest number of pixels of an image that is decoded from video.

    Raises:
        BagError: a named topic is missing or of another type, or the bag has no camera or several.
    """
    images = [c.image for c in find_cameras(bag.topics)]
    if image is None:
        if not images and (video := _videos(bag)):
            raise BagError(f"{bag.path} has no camera topic that can be read: {video[0]}")
        if not images and (depth := _named_after_depth(bag)):
            raise BagError(
                f"{bag.path} has no camera topic: {depth[0]} is named after depth or disparity; "
                "if it shows grey values or colours, choose it with --image"
            )
        if not images:
            types = ", ".join(sorted({t.type for t in bag.topics.values()})) or "no messages"
            raise BagError(f"{bag.path} has no camera topic: it holds {types}")
        if len(images) > 1:
            raise BagError(
                f"{bag.path} has {len(images)} camera topics; choose one with --image: "
                + ", ".join(images)
            )
        image = images[0]
    if image not in bag.topics and f"{image}/compressed" in bag.topics:
        image = f"{image}/compressed"
    if image not in bag.topics:  # a video stream is named after the raw topic of its camera
        named = (n for n, t in bag.topics.items() if t.type in VIDEO_TYPES)
        image = next((n for n in named if n.rpartition("/")[0] == image), image)
    kind = bag.topics[image].type if image in bag.topics else ""
    if kind in VIDEO_TYPES and not decodes(kind):
        raise BagError(f"{bag.path}: {video_remedy(image, kind)}")
    _require_topic(bag, image, (IMAGE, COMPRESSED, *VIDEO_TYPES), "--image", images)
    bag.decode_video(image, max_pixels)
    if info is None:
        info = find_camera_info(image, bag.topics)
    else:
        infos = sorted(t.name for t in bag.topics.values() if t.type == CAMERA_INFO)
        _require_topic(bag, info, (CAMERA_INFO,), "--camera-info", infos)
    return CameraTopics(image, info)


def choose_calibrated_camera(
    bag: Bag,
    image: str | None,
    info: str | None,
    calibration: Path | None,
    max_pixels: int = MAX_PIXELS,
) -> CameraTopics:
    """Choose the camera of a bag as `choose_camera` does, and require its calibration.

    A calibration file replaces the CameraInfo of the bag: the result then has no CameraInfo topic.

    Raises:
        BagError: the camera cannot be chosen, or neither the bag nor a file has its calibration.
    """
    camera = choose_camera(bag, image, info, max_pixels)
    if calibration is not None:
        return CameraTopics(camera.image, None)
    if camera.info is None or not bag.topics[camera.info].count:
        raise BagError(
            f"{bag.path} has no CameraInfo beside {camera.image}; name its topic with "
            "--camera-info, or give a calibration file with --calibration"
        )
    return camera


def first_camera_info(
    bag: Bag,
    camera: CameraTopics,
    calibration: Path | None,
    damaged: DamagedMessages | None = None,
) -> CameraInfo:
    """Return the CameraInfo of the calibration file if one is given, else the first of the bag.

    Damaged messages are skipped, and invalid ones if there is a valid one.

    Raises:
        CameraError: the file cannot be read as a calibration.
        BagError: the bag is damaged, or the camera has no CameraInfo.
    """
    if calibration is not None:
        return read_camera_info(calibration, RosbagsMessages())
    invalid: CameraInfo | None = None
    damage = ""
    for message in bag.messages([camera.info]) if camera.info else ():
        try:
            info: CameraInfo = bag.decode(message)
            calibration_of(info)
        except FrameError as err:
            damage = damage or f", but damaged ones: {err}"
            if damaged:
                damaged.add(message.topic, str(err))
        except CameraError:
            invalid = invalid or info
        else:
            return info
    if invalid is not None:
        return invalid
    raise BagError(f"{bag.path} has no CameraInfo message for {camera.image}{damage}")


def _named_after_depth(bag: Bag) -> list[str]:
    topics = bag.topics.values()
    return sorted(t.name for t in topics if t.type in (IMAGE, COMPRESSED) and t.count)


def _videos(bag: Bag) -> list[str]:
    """Return what each video stream of a bag is, with its remedy."""
    topics = sorted(bag.topics.values(), key=lambda t: t.name)
    return [video_remedy(t.name, t.type) for t in topics if t.type in VIDEO_TYPES]


def _require_topic(
    bag: Bag, name: str, types: tuple[str, ...], option: str, candidates: list[str]
) -> None:
    choices = ", ".join(candidates) or "none"
    if name not in bag.topics:
        raise BagError(f"{bag.path} has no topic {name}; {option} can be: {choices}")
    if (kind := bag.topics[name].type) not in types:
        raise BagError(f"{name} in {bag.path} is {kind}; {option} can be: {choices}")
