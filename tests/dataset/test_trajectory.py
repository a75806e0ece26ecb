# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Poses along a sequence, which the motions between neighbours give."""

from __future__ import annotations

import numpy as np

from jasmine_core.dataset.sequence import VERSION, FrameRecord, Index, SampleRecord, image_name
from jasmine_core.dataset.trajectory import trajectories
from jasmine_core.geometry.rigid import inverse, rigid, rotation_of, to_numbers

POSES = [
    rigid(rotation_of([0, np.sin(i / 20), 0, np.cos(i / 20)]), [0.1 * i * i, 0, 2.0 * i])
    for i in range(7)
]


def sample(target, sources, known=(True, True)):
    motions = tuple(
        to_numbers(inverse(POSES[target]) @ POSES[source]) if there else None
        for source, there in zip(sources, known, strict=True)
    )
    return SampleRecord(target, sources, (0.1, 0.1), (0.1, 0.1), motions)


def index(*samples):
    frames = [FrameRecord(i, 0, image_name(i, "png")) for i in range(len(POSES))]
    K = [[80.0, 0, 48], [0, 80, 32], [0, 0, 1]]
    return Index(VERSION, {}, {}, 96, 64, K, True, frames, list(samples))


def test_chained_motions_give_the_poses_relative_to_the_first_frame():
    (track,) = trajectories(index(sample(2, (0, 4)), sample(4, (2, 6)), sample(3, (1, 4))))
    assert list(track) == [0, 1, 2, 3, 4, 6]
    for frame, T_first_frame in track.items():
        np.testing.assert_allclose(T_first_frame, inverse(POSES[0]) @ POSES[frame], atol=1e-9)


def test_frames_that_samples_do_not_connect_are_separate_trajectories():
    tracks = trajectories(index(sample(1, (0, 2)), sample(5, (4, 6))))
    assert [list(track) for track in tracks] == [[0, 1, 2], [4, 5, 6]]
    np.testing.assert_array_equal(tracks[1][4], np.eye(4))


def test_unknown_motions_give_no_pose():
    assert trajectories(index(sample(1, (0, 2), (False, False)))) == []
    (track,) = trajectories(index(sample(1, (0, 2), (True, False))))
    assert list(track) == [0, 1]
