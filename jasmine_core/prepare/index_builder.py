# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Index of a sequence: its frames and samples, from the selected keyframes."""

from __future__ import annotations

from typing import Any

from jasmine_core.config import to_mapping
from jasmine_core.dataset.sequence import VERSION, FrameRecord, Index, SampleRecord, image_name
from jasmine_core.geometry.camera import Camera
from jasmine_core.geometry.rigid import to_numbers
from jasmine_core.prepare.keyframes import Keyframe, Poses
from jasmine_core.prepare.options import PrepareOptions

MIN_METRIC_SHARE = 0.5  # least share of samples with metric motion in a metric sequence


def build_index(
    keyframes: list[Keyframe],
    poses: Poses | None,
    camera: Camera,
    source: dict[str, Any],
    options: PrepareOptions,
    input_facts: dict[str, str] | None = None,
) -> Index:
    """Return an index with a sample for each keyframe that has neighbours on both sides.

    Args:
        keyframes: selected keyframes in order of time.
        poses: returns T_target_source [4,4] m between two timestamps [ns]; None without odometry.
        camera: camera of the stored images.
        source: name of the recording and its topics.
        options: options of the preparation.
        input_facts: what was assumed and found about the recorded images, by subject.
    """
    chosen = [
        (i, k.before, k.after) for i, k in enumerate(keyframes) if k.before and k.after
    ]  # target, pair before, pair after
    used = sorted({i for t, b, a in chosen for i in (t, b.first, a.second)})
    frame_of = {keyframe: frame for frame, keyframe in enumerate(used)}
    samples = []
    for target, before, after in chosen:
        sources = (before.first, after.second)
        stamp = keyframes[target].stamp
        samples.append(
            SampleRecord(
                frame_of[target],
                (frame_of[sources[0]], frame_of[sources[1]]),
                (round(before.flow, 5), round(after.flow, 5)),
                (round(before.parallax, 5), round(after.parallax, 5)),
                (
                    _motion(poses, stamp, keyframes[sources[0]].stamp),
                    _motion(poses, stamp, keyframes[sources[1]].stamp),
                ),
            )
        )
    metric = [None not in s.T_target_source for s in samples]
    return Index(
        version=VERSION,
        source=source,
        options=to_mapping(options),
        width=camera.width,
        height=camera.height,
        K=camera.K.tolist(),
        metric=bool(metric) and sum(metric) >= MIN_METRIC_SHARE * len(metric),
        frames=[
            FrameRecord(k.stamp, k.segment, image_name(k.stamp, options.image_format))
            for k in (keyframes[i] for i in used)
        ],
        samples=samples,
        input_facts=input_facts or {},
    )


def _motion(poses: Poses | None, target: int, source: int) -> list[float] | None:
    T = poses(target, source) if poses else None
    return None if T is None else [round(n, 9) for n in to_numbers(T)]
