# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Conversion of a bag to a sequence: images rectified and resized, odometry checked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from jasmine_core.dataset.labels import attach, labels_in
from jasmine_core.dataset.sequence import CLASSES, TEACHER
from jasmine_core.dataset.sequences import Sequence
from jasmine_core.locks import exclusive
from jasmine_core.outputs import expect_outside, expect_own
from jasmine_core.prepare.odometry import (
    MAX_GAP,
    MAX_JUMP_SHARE,
    MIN_PLACES,
    Odometry,
    chain,
    contradiction,
    probe,
)
from jasmine_core.prepare.options import PrepareOptions
from jasmine_core.prepare.resume import finished, remove_unfinished, unfinished
from jasmine_core.prepare.sequence_builder import Outcome, SequenceBuilder
from jasmine_core.prepare.statistics import OdometryFacts, OdometryProblem
from jasmine_core.prepare.timestamps import with_following
from jasmine_ros.bags.camera_topics import choose_calibrated_camera
from jasmine_ros.bags.reader import Bag, without_strays
from jasmine_ros.bags.recorded_images import RecordedImages
from jasmine_ros.bags.scan import find_odometry, scan_bag
from jasmine_ros.bags.segments import Windows, inside

PROBES = 12  # sections of a bag in which the odometry is compared with the images
_PROBE_LENGTH = 1_500_000_000  # [ns] of a section


@dataclass(frozen=True)
class Job:
    """Request to convert one bag to one sequence."""

    bag: Path
    folder: Path
    options: PrepareOptions
    image: str | None = None  # topic; None: the only camera of the bag
    camera_info: str | None = None  # topic; None: in the namespace of the image topic
    calibration: Path | None = None  # camera_calibration YAML file that replaces CameraInfo
    odometry: str | None = None  # topic; None: /odom or the only one; "none": no odometry
    masks: Path | None = None  # folder of PNG files with Cityscapes classes, named by stamp [ns]
    teacher: Path | None = None  # folder of 16-bit PNG files with depth, named by stamp [ns]
    overwrite: bool = False
    windows: Windows = ()  # times of recording [ns] of the images to use; empty: all


class Interrupted(Exception):
    """The user interrupted the conversion of a bag; the next run continues it."""


def prepare_bag(
    job: Job,
    progress: Callable[[int, int], None] = lambda done, total: None,
    stop: Callable[[], bool] = lambda: False,
) -> Outcome | None:
    """Convert one bag to a sequence; return None if an earlier run has finished it.

    Args:
        job: the request.
        progress: called after each image with the numbers of done and of all images.
        stop: called before each image; True interrupts the conversion.

    Raises:
        Interrupted: `stop` returned True.
        BagError: the bag cannot be used; the message gives the reason.
    """
    expect_outside(job.folder, job.bag, job.calibration)
    if job.overwrite:
        expect_own(job.folder)
    with exclusive(unfinished(job.folder), shown=job.folder), Bag(job.bag) as bag:
        # 1. Return if an earlier run has finished the sequence.
        most = job.options.max_image_pixels
        camera = choose_calibrated_camera(bag, job.image, job.camera_info, job.calibration, most)
        topic = find_odometry(bag, job.odometry)
        source: dict[str, Any] = {
            "bag": job.bag.name,
            "image": camera.image,
            "camera_info": camera.info or str(job.calibration),
            "odometry": topic,
            "start": bag.start,
            "stop": bag.stop,
            "messages": bag.topics[camera.image].count,
        }
        if job.windows:
            source["segments"] = [list(window) for window in job.windows]
        if job.overwrite:
            remove_unfinished(job.folder)
        elif finished(job.folder, source, job.options):
            if job.masks or job.teacher:
                scan = scan_bag(bag, camera, None, job.calibration)
                _attach_labels(job, RecordedImages(bag, camera, scan, job.options))
            return None

        # 2. Read the calibration and check the odometry.
        scan = scan_bag(bag, camera, topic, job.calibration)
        images = RecordedImages(bag, camera, scan, job.options)
        odometry, facts = _examine_odometry(images, topic)

        # 3. Convert the images.
        count = bag.topics[camera.image].count
        if job.windows:
            count = sum(inside(job.windows, at) for at in bag.stamps(camera.image))
        total = min(job.options.limit or count, count)
        with SequenceBuilder(
            job.folder,
            source,
            job.options,
            images.camera,
            images.seen,
            odometry,
            facts,
            images.input_facts,
            scan.damaged.summary(),
        ) as builder:
            wanted = (
                message
                for message in bag.messages([camera.image], builder.resume_at)
                if inside(job.windows, message.stamp)
            )
            recorded = map(images.decode, wanted)
            for image, following in with_following(recorded, lambda image: image.known_stamp):
                if stop():
                    raise Interrupted
                if builder.received >= total:
                    break
                builder.offer(image.log, image.stamp, image.read, following)
                progress(builder.received, total)
            outcome = builder.finish()
        _attach_labels(job, images)
    return outcome


def _examine_odometry(
    images: RecordedImages, topic: str | None
) -> tuple[Odometry | None, OdometryFacts]:
    """Return the odometry of the camera, None if it cannot be used, and the facts about it."""
    scan, bag = images.scan, images.bag
    if topic is None:
        return None, OdometryFacts()
    count = len(scan.samples)

    def refuse(
        problem: OdometryProblem, detail: str, jumps: int = 0, checked: int = 0
    ) -> tuple[None, OdometryFacts]:
        return None, OdometryFacts(topic, count, jumps, problem, detail, checked)

    if count < 2:
        return refuse(OdometryProblem.TOO_FEW_SAMPLES, f"it has {count} usable samples")
    T_child_camera = chain(scan.transforms, scan.child, scan.frame)
    if T_child_camera is None:
        return refuse(
            OdometryProblem.NO_TRANSFORM,
            f"there is no transform from {scan.child!r} to the camera frame {scan.frame!r}",
        )
    odometry = Odometry(scan.samples, T_child_camera)
    jumps = len(odometry.jumps)
    if odometry.jump_share > MAX_JUMP_SHARE:
        detail = f"it jumps {jumps} times in {count} samples"
        return refuse(OdometryProblem.JUMPS, detail, jumps)
    starts = _probe_starts(bag.stamps(images.topics.image))
    if apart := _distance_of_clocks(images, odometry, starts):
        return refuse(OdometryProblem.OTHER_CLOCK, apart, jumps)
    probes = [probe(images.views(at, at + _PROBE_LENGTH), odometry) for at in starts]
    found = [p for p in probes if p is not None]
    if len(found) < MIN_PLACES:
        detail = (
            f"it could be compared with the images at {len(found)} places only, of which "
            f"{MIN_PLACES} are needed"
        )
        return refuse(OdometryProblem.NOT_CHECKED, detail, jumps, len(found))
    if contradicted := contradiction(found):
        return refuse(OdometryProblem.CONTRADICTS_IMAGES, contradicted, jumps, len(found))
    return odometry, OdometryFacts(topic, count, jumps, None, "", len(found))


def _probe_starts(stamps: list[int]) -> list[int]:
    """Return the times of recording [ns] at which sections begin, evenly spread over the images."""
    usual = without_strays(stamps)
    if not usual:
        return []
    starts = [at for at in usual if at <= usual[-1] - _PROBE_LENGTH] or usual[:1]
    return [starts[i] for i in sorted(set(np.linspace(0, len(starts) - 1, PROBES, dtype=int)))]


def _distance_of_clocks(images: RecordedImages, odometry: Odometry, starts: list[int]) -> str:
    """Return how far the images are from the odometry in time; empty if some image is near."""
    distances = [
        odometry.distance(stamp)
        for at in starts
        for stamp, _ in islice(images.views(at, at + _PROBE_LENGTH), 1)
    ]
    if not distances or min(abs(d) for d in distances) * 1e9 <= MAX_GAP:
        return ""
    nearest = min(distances, key=abs)
    side = "after its last" if nearest > 0 else "before its first"
    return f"the images are stamped {abs(nearest):.1f} s {side} sample or further: another clock"


def _attach_labels(job: Job, images: RecordedImages) -> None:
    for kind, labels in ((CLASSES, job.masks), (TEACHER, job.teacher)):
        if labels is not None:
            sequence = Sequence(job.folder)
            transform = None if images.view.rectifier else images.transform
            attach(sequence, kind, labels_in(labels, kind, sequence, transform))
