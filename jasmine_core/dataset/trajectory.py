# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Poses of the camera along a prepared sequence, chained from the motions between neighbours."""

from __future__ import annotations

from collections import defaultdict, deque

import numpy as np

from jasmine_core.dataset.sequence import Index
from jasmine_core.geometry.rigid import Array, from_numbers, inverse


def trajectories(index: Index) -> list[dict[int, Array]]:
    """Return the poses of the frames of a sequence, as far as its samples connect them.

    The frames that samples connect are one trajectory; the others have no pose. A sequence without
    metric scale has none.

    Returns:
        For each trajectory {frame: T_first_frame [4,4]} in the order of the frames: the pose [m] of
        the camera of the frame in the optical frame of the first camera of the trajectory.
    """
    motions: dict[int, list[tuple[int, Array]]] = defaultdict(list)  # frame to T_frame_other
    for sample in index.samples:
        for source, numbers in zip(sample.sources, sample.T_target_source, strict=True):
            if numbers is not None:
                T_target_source = from_numbers(numbers)
                motions[sample.target].append((source, T_target_source))
                motions[source].append((sample.target, inverse(T_target_source)))
    found: list[dict[int, Array]] = []
    known: set[int] = set()
    for first in sorted(motions):
        if first in known:
            continue
        poses: dict[int, Array] = {first: np.eye(4)}
        queue = deque([first])  # Breadth first, so that few motions lie between two frames.
        while queue:
            frame = queue.popleft()
            for other, T_frame_other in motions[frame]:
                if other not in poses:
                    poses[other] = poses[frame] @ T_frame_other
                    queue.append(other)
        known.update(poses)
        found.append({frame: poses[frame] for frame in sorted(poses)})
    return found
