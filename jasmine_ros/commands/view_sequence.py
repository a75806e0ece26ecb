# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Prepared sequences in Rerun: images, labels and the path of the camera."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np

from jasmine_core.dataset.sequence import (
    CLASSES,
    DEPTH,
    DEPTH_STEPS,
    TEACHER,
    TEACHER_UNIT,
    DatasetError,
    FrameRecord,
    read_image,
    read_labels,
)
from jasmine_core.dataset.sequences import Sequence, open_sequences
from jasmine_core.dataset.trajectory import trajectories
from jasmine_core.geometry.rigid import Array
from jasmine_core.image_files import MAX_BYTES
from jasmine_core.store.members import read_file
from jasmine_ros.commands.view_bag import Show
from jasmine_ros.commands.view_layout import sequence_layout
from jasmine_ros.commands.view_sampling import spread
from jasmine_ros.commands.view_target import Target, label

_log = logging.getLogger(__name__)


def sequences_view(folder: Path) -> Show:
    """Return a function that shows a sequence, or the sequences in a folder."""
    found = open_sequences(folder)

    def show(target: Target) -> None:
        sequences = spread(found, target.max_frames)
        if len(sequences) < len(found):
            _log.info("%d of %d sequences are shown", len(sequences), len(found))
        roots = []
        for sequence in sequences:
            roots.append(label([sequence.folder.resolve().name]))
            _show(target, sequence, roots[-1], max(1, target.max_frames // len(sequences)))
        target.arrange(sequence_layout(roots))

    return show


def _show(target: Target, sequence: Sequence, root: str, most: int) -> None:
    rr, camera, index = target.rr, sequence.camera, sequence.index
    image = f"{root}/camera"
    target.log(root, rr.ViewCoordinates.RDF, 0, static=True)  # of the first camera
    pinhole = rr.Pinhole(image_from_camera=camera.K, width=camera.width, height=camera.height)
    target.log(image, pinhole, 0, static=True)
    tracks = trajectories(index)
    poses = {frame: (i, T) for i, track in enumerate(tracks) for frame, T in track.items()}
    for i, track in enumerate(tracks):
        points = np.array([T[:3, 3] for T in track.values()], np.float32)  # [N,3] m
        target.log(f"{root}/path/{i}", rr.LineStrips3D([points]), points.nbytes, static=True)
    for number in spread(range(len(index.frames)), most):
        frame = index.frames[number]
        target.at(frame.stamp)
        if number in poses:
            _log_pose(target, image, poses[number][1])
        try:
            _log_frame(target, sequence, frame, image)
        except (DatasetError, OSError) as err:
            target.warn(root, str(err))
        if target.is_full:
            break


def _log_pose(target: Target, entity: str, T_first_camera: Array) -> None:
    transform = target.rr.Transform3D(
        translation=T_first_camera[:3, 3], mat3x3=T_first_camera[:3, :3]
    )
    target.log(entity, transform, 200)


def _log_frame(target: Target, sequence: Sequence, frame: FrameRecord, entity: str) -> None:
    """Log the image of a frame with its labels; depth is in metres, as far as that is known."""
    rr, file = target.rr, sequence.files[frame.image]
    data = read_file(file, MAX_BYTES)
    read_image(file, data)  # raises an error for a damaged file, which the viewer must not get
    target.image(f"{entity}/image", data)
    unit = sequence.index.metres_per_unit
    steps = {DEPTH: DEPTH_STEPS, TEACHER: TEACHER_UNIT / unit if unit else TEACHER_UNIT}
    for kind in (DEPTH, TEACHER, CLASSES):
        labels = sequence.label(kind, frame.stamp)
        if labels is None:
            continue
        values = read_labels(labels)
        if kind == CLASSES:
            shown = rr.SegmentationImage(values)
        else:
            shown = rr.DepthImage(values, meter=steps[kind])  # units of a pixel per metre
        target.log(f"{entity}/{kind}", shown, values.nbytes)
