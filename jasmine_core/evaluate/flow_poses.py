# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Camera poses of images without odometry, from dense optical flow and ground-truth depth.

The flow F from an image to the next one moves the pixels p with known depth G, and the motion of
the camera is the one that explains it (perspective-n-point with RANSAC):

    T = argmin_T  sum_p | pi(K T X_p) - (p + F(p)) |^2        X_p = G(p) K^-1 p

Moving objects, occlusions and wrong flow are the outliers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from jasmine_core.evaluate.clips import ClipPose
from jasmine_core.evaluate.run import Sample
from jasmine_core.geometry.camera import Camera, stretch
from jasmine_core.geometry.rigid import Array, inverse, rigid
from jasmine_core.prepare.optical_flow import rays
from jasmine_core.runtime.temporal_filter import correlation, fine_structure

WIDTH = 640  # [px] of the images between which the flow is computed; larger ones are reduced
SMALLEST = 16  # [px] of either side; OpenCV refuses smaller ones
RETURN = 1.0  # [px] largest error of a pixel that is moved to the other image and back
# Between images of one scene more than 70 % of the pixels return, and the images after the flow
# have a correlation above 0.75; between images of different places about 10 %, and below 0.5.
LEAST_RETURN = 0.3
LEAST_CORRELATION = 0.6
TEXTURE = 1e-4  # least squared gradient of a pixel's surroundings, relative to white
MAX_POINTS, FEWEST_POINTS = 3000, 60
INLIER = 1.0  # [px] largest error of a pixel that the motion explains
FEWEST_INLIERS = 0.5  # share of the points
_ITERATIONS, _CONFIDENCE = 200, 0.999
_BLOCK = 5  # [px] side of the surroundings

Grey = NDArray[np.uint8]


def with_flow_poses(read: Callable[[], Iterable[Sample]], camera: Camera) -> Iterator[Sample]:
    """Yield samples with poses; an image whose motion cannot be measured begins a clip.

    A sample whose ground truth does not have the size of the camera's image gets no pose.
    """
    clip, T_world_camera = 0, np.eye(4)
    last: Sample | None = None
    for sample in read():
        if sample.ground_truth.shape[::-1] != camera.size:
            last = None
            yield sample
            continue
        motion = None if last is None else flow_motion(last, sample, camera)
        if motion is None:
            clip, T_world_camera = clip + 1, np.eye(4)
        else:
            T_world_camera = T_world_camera @ inverse(motion)
        last = sample
        yield replace(sample, pose=ClipPose(clip, camera.K, T_world_camera))


def flow_motion(before: Sample, now: Sample, camera: Camera) -> Array | None:
    """Return T_now_before [4,4] m of the camera, None if the images do not determine it."""
    width = min(WIDTH, camera.width)
    to_small = stretch(camera.size, (width, max(1, round(camera.height * width / camera.width))))
    small = to_small.camera(camera)
    if min(small.size) < SMALLEST:
        return None
    a, b = (
        np.asarray(cv2.cvtColor(to_small.image(sample.image), cv2.COLOR_RGB2GRAY), np.uint8)
        for sample in (before, now)
    )
    depth = cv2.resize(before.ground_truth, small.size, interpolation=cv2.INTER_NEAREST)
    clear = (depth > 0) & np.isfinite(depth) & (cv2.cornerMinEigenVal(a, _BLOCK) > TEXTURE)
    flow, consistent = consistent_flow(a, b)
    v, u = np.nonzero(clear & consistent)
    if len(u) < max(FEWEST_POINTS, LEAST_RETURN * np.count_nonzero(clear)):
        return None
    if _likeness(a, b, flow, clear) < LEAST_CORRELATION:
        return None
    chosen = np.random.default_rng(0).permutation(len(u))[:MAX_POINTS]
    u, v = u[chosen], v[chosen]
    pixels: Array = np.column_stack([u, v]).astype(np.float64)  # [N,2]
    points: Array = depth[v, u, None] * rays(pixels, small.K)  # [N,3] m
    return _motion_of(points, pixels + flow[v, u], small.K)


def consistent_flow(a: Grey, b: Grey) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return the flow [H,W,2] px from image a to b, and where that from b to a leads back."""
    dis = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    there, back = (
        np.asarray(dis.calc(x, y, None), np.float32)  # type: ignore[call-overload]
        for x, y in ((a, b), (b, a))
    )
    led_back, inside = _moved(back, there)
    return there, inside & (np.linalg.norm(there + led_back, axis=2) <= RETURN)


def _moved(
    values: NDArray[np.float32], flow: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return the values [H,W,...] at the ends of the flow [H,W,2], and which ends lie inside."""
    height, width = flow.shape[:2]
    u = np.arange(width, dtype=np.float32) + flow[..., 0]  # [H,W]
    v = np.arange(height, dtype=np.float32)[:, None] + flow[..., 1]
    moved = cv2.remap(values, u, v, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    inside = (u >= 0) & (u <= width - 1) & (v >= 0) & (v <= height - 1)
    return np.asarray(moved, np.float32), inside


def _likeness(a: Grey, b: Grey, flow: NDArray[np.float32], clear: NDArray[np.bool_]) -> float:
    """Return the correlation of image a with image b at the ends of the flow, -1 to 1."""
    moved, inside = _moved(b.astype(np.float32), flow)
    structures = fine_structure(a.astype(np.float32)), fine_structure(moved)
    return correlation(*structures, clear & inside)


def _motion_of(points: Array, pixels: Array, K: Array) -> Array | None:
    """Return the motion [4,4] after which points [N,3] m are seen at pixels [N,2]."""
    try:
        found, turn, shift, inliers = cv2.solvePnPRansac(
            points,
            pixels,
            K,
            None,
            iterationsCount=_ITERATIONS,
            reprojectionError=INLIER,
            confidence=_CONFIDENCE,
            flags=cv2.SOLVEPNP_SQPNP,
        )
    except cv2.error:  # the points lie in one place
        return None
    if not found or inliers is None or len(inliers) < FEWEST_INLIERS * len(points):
        return None
    chosen = inliers[:, 0]
    turn, shift = cv2.solvePnPRefineLM(points[chosen], pixels[chosen], K, None, turn, shift)
    motion = rigid(np.asarray(cv2.Rodrigues(turn)[0], np.float64), shift[:, 0])
    return motion if np.isfinite(motion).all() else None
