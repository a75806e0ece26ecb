# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Bags into sequences: `jasmine prepare BAG... -o DIR`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from jasmine_core.data.bag import Bag, BagMessage, CameraTopics, choose_camera
from jasmine_core.data.health import OdometryFacts
from jasmine_core.data.labels import attach, labels_in
from jasmine_core.data.motion import allowed_points, view_of
from jasmine_core.data.odometry import MOST_JUMPS, Odometry, chain, disbelief, probe
from jasmine_core.data.prepare import (
    Outcome,
    PrepareOptions,
    SequenceBuilder,
    finished,
    forget_unfinished,
)
from jasmine_core.data.sequence import CLASSES, TEACHER, DatasetError, Picture, Sequence
from jasmine_core.errors import BagError, FrameError
from jasmine_core.geometry.camera import Calibration, Camera, ImageTransform, Rectifier
from jasmine_core.geometry.rigid import Array, from_numbers
from jasmine_ros.calibration_file import read_camera_info
from jasmine_ros.images import decode
from jasmine_ros.messages import RosbagsMessages, calibration_of, stamp_ns

ODOMETRY, TRANSFORMS = "nav_msgs/msg/Odometry", "tf2_msgs/msg/TFMessage"
PROBES = 12  # places of a bag where odometry is compared with pictures, and ...
_PROBE_LENGTH = 1_500_000_000  # [ns] ... how far such a place reaches
_STAMP_BYTES = 12  # of a serialised header; what follows is equal while a camera stays the same
_NO_ODOMETRY = "none"


@dataclass(frozen=True)
class Job:
    """Say which bag becomes which sequence, and how."""

    bag: Path
    folder: Path
    options: PrepareOptions
    image: str | None = None  # topic; found by itself where there is one camera
    camera_info: str | None = None  # topic; found beside the picture's
    calibration: Path | None = None  # camera_calibration YAML, instead of a CameraInfo topic
    odometry: str | None = None  # topic; found by itself; "none" ignores what there is
    masks: Path | None = None  # PNG of Cityscapes' training classes, named by stamps
    teacher_depth: Path | None = None  # 16-bit PNG of depth, named by stamps
    overwrite: bool = False


class Interrupted(Exception):
    """The user stopped a bag halfway; the next run continues it."""


@dataclass(frozen=True)
class _Scan:
    """What a bag says about its camera beside the pictures."""

    calibration: Calibration
    rectified: bool  # the pictures are already
    frame: str  # of the camera
    child: str  # of the odometry
    samples: list[tuple[int, tuple[float, ...]]]  # of the odometry: stamp, T_odom_child
    transforms: dict[tuple[str, str], Array]  # (parent, child) to T_parent_child, fixed ones


def prepare_bag(
    job: Job,
    progress: Callable[[int, int], None] = lambda done, total: None,
    stop: Callable[[], bool] = lambda: False,
) -> Outcome | None:
    """Prepare one bag; None if it had been finished before.

    `progress` is told how many pictures are done, and of how many. `stop` is asked before each;
    Interrupted is raised once it says so.
    """
    with Bag(job.bag) as bag:
        # 1. Is there anything to do?
        camera = _find_camera(bag, job)
        topic = _find_odometry(bag, job.odometry)
        source = {
            "bag": job.bag.name,
            "image": camera.image,
            "camera_info": camera.info or str(job.calibration),
            "odometry": topic,
            "start": bag.start,
            "stop": bag.stop,
            "messages": bag.topics[camera.image].count,
        }
        if job.overwrite:
            forget_unfinished(job.folder)
        elif finished(job.folder, source, job.options):
            _attach_labels(job, _Pictures(bag, camera, _scan(bag, camera, None, job), job.options))
            return None

        # 2. Learn the camera and the robot's motion.
        pictures = _Pictures(bag, camera, _scan(bag, camera, topic, job), job.options)
        odometry, facts = _examine_odometry(pictures, topic)

        # 3. Stream the pictures.
        total = bag.topics[camera.image].count
        with SequenceBuilder(
            job.folder, source, job.options, pictures.camera, pictures.seen, odometry, facts
        ) as builder:
            for message in bag.messages([camera.image], builder.resume_at):
                if stop():
                    raise Interrupted
                pictures.give(message, builder)
                progress(builder.received, total)
            outcome = builder.finish()
        _attach_labels(job, pictures)
    return outcome


class _Pictures:
    """The pictures of one camera, rectified and resized."""

    def __init__(
        self, bag: Bag, topics: CameraTopics, scan: _Scan, options: PrepareOptions
    ) -> None:
        self.bag, self.topics, self.scan = bag, topics, scan
        calibration = scan.calibration
        needed = calibration.needs_rectification() and not scan.rectified
        self.rectifier = Rectifier(calibration) if needed else None
        full = calibration.rectified_camera
        self.transform: ImageTransform = options.transform(full.size)
        self.camera: Camera = self.transform.camera(full)
        valid = self.rectifier.valid if self.rectifier else np.ones((full.height, full.width), bool)
        inside = self.transform.map(valid.astype(np.float32))
        self.seen = np.nan_to_num(inside, nan=0.0) > 0.99  # [H,W] shows the scene

    def read(self, message: Any) -> Picture:
        """Return the picture of a message as the sequence stores it."""
        picture = decode(message, self.topics.image)
        c = self.scan.calibration
        if picture.shape[:2] != (c.height, c.width):
            raise FrameError(
                f"{self.topics.image}: picture is {picture.shape[1]}x{picture.shape[0]} px but its "
                f"CameraInfo says {c.width}x{c.height} px; publish the CameraInfo of this size"
            )
        return self.transform.picture(self.rectifier(picture) if self.rectifier else picture)

    def give(self, message: BagMessage, builder: SequenceBuilder) -> None:
        """Offer a picture to the builder; one whose message is damaged is offered all the same."""
        try:
            picture = self.bag.decode(message)
        except FrameError as err:
            reason = str(err)

            def fail() -> Picture:
                raise FrameError(reason)

            builder.offer(message.stamp, message.stamp, fail)
        else:
            builder.offer(message.stamp, _stamp_of(picture, message), lambda: self.read(picture))

    def views(self, start: int, stop: int) -> Iterator[tuple[int, Any]]:
        """Yield stamp [ns] and view of the pictures recorded in a stretch of time."""
        allowed = allowed_points(self.camera, self.seen)
        for message in self.bag.messages([self.topics.image], start, stop):
            try:
                picture = self.bag.decode(message)
                view = view_of(self.read(picture), self.camera, allowed)
            except FrameError:
                continue
            yield _stamp_of(picture, message), view


def _find_camera(bag: Bag, job: Job) -> CameraTopics:
    camera = choose_camera(bag, job.image, job.camera_info)
    if job.calibration is not None:
        return CameraTopics(camera.image, None)
    if camera.info is None or not bag.topics[camera.info].count:
        raise BagError(
            f"{job.bag} has no CameraInfo beside {camera.image}; name its topic with "
            "--camera-info, or give a calibration file with --calibration"
        )
    return camera


def _find_odometry(bag: Bag, asked: str | None) -> str | None:
    topics = sorted(t.name for t in bag.topics.values() if t.type == ODOMETRY and t.count)
    if asked == _NO_ODOMETRY:
        return None
    if asked is not None:
        if asked not in topics:
            there = ", ".join(topics) or _NO_ODOMETRY
            raise BagError(f"{bag.path} has no odometry {asked}; --odometry can be: {there}")
        return asked
    if len(topics) > 1 and "/odom" not in topics:
        raise BagError(
            f"{bag.path} has {len(topics)} odometry topics; choose one with --odometry: "
            + ", ".join(topics)
        )
    return "/odom" if "/odom" in topics else (topics[0] if topics else None)


def _scan(bag: Bag, camera: CameraTopics, odometry: str | None, job: Job) -> _Scan:
    """Read what is small: CameraInfo, odometry and fixed transforms."""
    name = camera.image.removesuffix("/compressed").rpartition("/")[2]
    mode = job.options.rectify
    rectified = mode == "never" or (mode == "auto" and "rect" in name)
    info = raw = None
    samples: list[tuple[int, tuple[float, ...]]] = []
    child = ""
    fixed: dict[tuple[str, str], Array] = {}
    moving: set[tuple[str, str]] = set()
    if job.calibration is not None:
        info = read_camera_info(job.calibration, RosbagsMessages())
    wanted = [t for t in (camera.info, odometry) if t]
    if odometry:
        wanted += [t.name for t in bag.topics.values() if t.type == TRANSFORMS and t.count]
    for message in bag.messages(wanted) if wanted else ():
        if message.topic == camera.info:
            if raw is not None and raw == message.raw[_STAMP_BYTES:]:
                continue
            latest = bag.decode(message)
            if info is not None and not _same_camera(info, latest):
                at = (message.stamp - bag.start) * 1e-9
                raise BagError(
                    f"{camera.info} in {bag.path} changes after {at:.1f} s; one sequence has one "
                    "K: cut the bag there, or fix focus and zoom"
                )
            info, raw = info or latest, message.raw[_STAMP_BYTES:]
        elif message.topic == odometry:
            sample = bag.decode(message)
            child = sample.child_frame_id or child
            if numbers := _numbers(sample.pose.pose.position, sample.pose.pose.orientation):
                samples.append((_stamp_of(sample, message), numbers))
        else:
            for t in bag.decode(message).transforms:
                key = (t.header.frame_id.lstrip("/"), t.child_frame_id.lstrip("/"))
                if numbers := _numbers(t.transform.translation, t.transform.rotation):
                    T = from_numbers(numbers)
                    if key in fixed and not np.allclose(fixed[key], T, atol=1e-6):
                        moving.add(key)  # on /tf only; a ROS 1 robot repeats fixed ones there
                    fixed.setdefault(key, T)
    if info is None:
        raise BagError(f"{camera.info} in {bag.path} holds no message")
    return _Scan(
        calibration_of(info, camera.info or str(job.calibration)),
        rectified,
        _camera_frame(bag, camera, info),
        child.lstrip("/"),
        samples,
        {key: T for key, T in fixed.items() if key not in moving},
    )


def _same_camera(a: Any, b: Any) -> bool:
    first, second = calibration_of(a), calibration_of(b)
    if (first.width, first.height) != (second.width, second.height):
        return False
    return all(
        np.allclose(getattr(first, name), getattr(second, name), rtol=5e-3, atol=1e-3)
        for name in ("K", "D", "P")
    )


def _camera_frame(bag: Bag, camera: CameraTopics, info: Any) -> str:
    if info.header.frame_id:
        return str(info.header.frame_id).lstrip("/")
    for message in bag.messages([camera.image]):
        return str(bag.decode(message).header.frame_id).lstrip("/")
    return ""


def _examine_odometry(
    pictures: _Pictures, topic: str | None
) -> tuple[Odometry | None, OdometryFacts]:
    """Return the camera's odometry if it deserves belief, and what is known of it."""
    scan, bag = pictures.scan, pictures.bag
    if topic is None:
        return None, OdometryFacts()
    count = len(scan.samples)

    def refuse(reason: str, jumps: int = 0, checked: int = 0) -> tuple[None, OdometryFacts]:
        return None, OdometryFacts(topic, count, jumps, reason, checked)

    if count < 2:
        return refuse(f"it has {count} usable samples")
    T_child_camera = chain(scan.transforms, scan.child, scan.frame)
    if T_child_camera is None:
        return refuse(f"no transform leads from {scan.child!r} to the camera's {scan.frame!r}")
    odometry = Odometry(scan.samples, T_child_camera)
    jumps = len(odometry.jumps)
    if odometry.jump_share > MOST_JUMPS:
        return refuse(f"it jumps {jumps} times in {count} samples", jumps)
    places = np.linspace(bag.start, max(bag.start, bag.stop - _PROBE_LENGTH), PROBES)
    starts = sorted({int(place) for place in places})
    probes = [probe(pictures.views(at, at + _PROBE_LENGTH), odometry) for at in starts]
    found = [p for p in probes if p is not None]
    if reason := disbelief(found):
        return refuse(reason, jumps, len(found))
    return odometry, OdometryFacts(topic, count, jumps, None, len(found))


def _attach_labels(job: Job, pictures: _Pictures) -> None:
    for kind, labels in ((CLASSES, job.masks), (TEACHER, job.teacher_depth)):
        if labels is not None:
            sequence = Sequence(job.folder)
            transform = None if pictures.rectifier else pictures.transform
            attach(sequence, kind, labels_in(labels, kind, sequence, transform))


def _stamp_of(message: Any, recorded: BagMessage) -> int:
    """Return the stamp of the header [ns], or when it was recorded where nobody set it."""
    return stamp_ns(message.header.stamp) or recorded.stamp


def _numbers(translation: Any, rotation: Any) -> tuple[float, ...] | None:
    """Return a transform as seven numbers, None if they are not one."""
    t, q = translation, rotation
    numbers = tuple(float(v) for v in (t.x, t.y, t.z, q.x, q.y, q.z, q.w))
    usable = np.isfinite(numbers).all() and np.linalg.norm(numbers[3:]) > 0.5
    return numbers if usable else None


def sequence_folders(bags: list[Path], output: Path) -> list[Path]:
    """Return a folder for each bag, named after it; raise DatasetError if two have one name."""
    names = [bag.stem if bag.is_file() else bag.resolve().name for bag in bags]
    for name in names:
        same = [str(bag) for bag, other in zip(bags, names, strict=True) if other == name]
        if len(same) > 1:
            raise DatasetError(
                f"{' and '.join(same)} would both become {output / name}; rename one, or write "
                "them to different folders"
            )
    return [output / name for name in names]
