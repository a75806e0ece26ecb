# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Temporal metrics of the depth D_1..D_N of a clip with known camera poses, in per cent.

All metrics use depth [m] after one alignment of the whole clip, so that a scale that changes
between frames counts as an error. None of them is zero for ground truth: objects move, and depth
is resampled.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from jasmine_core.evaluate.metrics import FloatArray, TemporalMetrics, scale_drift
from jasmine_core.geometry.rigid import Array, inverse
from jasmine_core.geometry.warp import BEHIND, back_project, project, warp

OCCLUDED = 0.05  # relative difference in ground truth of a point that two images do not both see

Mask = NDArray[np.bool_]


def align_clip(
    predictions: FloatArray, ground_truths: FloatArray, valid: Mask
) -> tuple[float, float]:
    """Return (s, t) that minimize the sum of (s D + t - G)^2 over the valid pixels of all frames.

    All arguments are [N,H,W]. A constant prediction gets s = 0 and t = mean of G.
    """
    p = predictions[valid].astype(np.float64)  # [M]
    g = ground_truths[valid].astype(np.float64)  # [M]
    centred = p - p.mean()
    variance = float(centred @ centred)
    s = float(centred @ (g - g.mean())) / variance if variance > 0 else 0.0
    return s, float(g.mean() - s * p.mean())


def carry(depth: FloatArray, valid: Mask, K: Array, T_target_source: Array) -> FloatArray:
    """Move the depth [H,W] m of a source image to the camera pose of a target image.

    Every valid pixel p becomes a point, which is drawn at the pixel nearest to its projection:

        X = T_target_source D(p) K^-1 p        D'(round(pi(K X))) = X_z

    Of several points in one pixel the nearest remains. A pixel without a point is 0.
    """
    height, width = depth.shape
    points = back_project(_tensor(depth), _matrix(K))  # [1,3,H,W]
    pixels, distance = project(points, _matrix(K), _matrix(T_target_source))
    u, v = pixels[0].round().long()  # [H,W] each
    z = distance[0, 0]  # [H,W]
    drawn = torch.from_numpy(valid) & (z > BEHIND)
    drawn &= (u >= 0) & (u < width) & (v >= 0) & (v < height)
    target = torch.full((height * width,), torch.inf)
    target.scatter_reduce_(0, (v * width + u)[drawn], z[drawn], "amin")
    carried = torch.where(target.isfinite(), target, 0).view(height, width)
    return np.asarray(carried.numpy())


def temporal_alignment_errors(
    depths: FloatArray, ground_truths: FloatArray, valid: Mask, K: Array, T_world_camera: Array
) -> tuple[float, float]:
    """Return the temporal alignment error [%] of Video Depth Anything, of all and of static pixels.

        E(i, j) = mean_p |D_{i->j}(p) - D_j(p)| / D_j(p)
        TAE = 100 / (2 (N - 1))  sum_k E(k, k+1) + E(k+1, k)

    D_{i->j} is D_i, carried to the pose of frame j; p are the pixels that are valid in frame j and
    on which a valid pixel of frame i falls. The static ones are those where ground truth, carried
    in the same way, differs by at most OCCLUDED: they leave out moving objects, and places where
    one image shows what the other does not. Pairs of frames without such pixels do not count;
    without any the error is NaN.

    Args:
        depths: aligned depth [N,H,W] m, positive.
        ground_truths: depth [N,H,W] m.
        valid: mask [N,H,W] of pixels with ground truth.
        K: intrinsics [3,3] px.
        T_world_camera: poses [N,4,4] of the camera.
    """
    everywhere, static = list[float](), list[float]()
    for k in range(len(depths) - 1):
        pairs = []
        for i, j in ((k, k + 1), (k + 1, k)):
            T_j_i = inverse(T_world_camera[j]) @ T_world_camera[i]
            carried = carry(depths[i], valid[i], K, T_j_i)
            known = carry(ground_truths[i], valid[i], K, T_j_i)
            common = valid[j] & (carried > 0)
            error = np.abs(carried - depths[j]) / np.where(common, depths[j], 1)
            limit = OCCLUDED * ground_truths[j]
            still = common & (known > 0) & (np.abs(known - ground_truths[j]) <= limit)
            pairs.append([_mean(error[common]), _mean(error[still])])
        for errors, both in zip((everywhere, static), zip(*pairs, strict=True), strict=True):
            if found := [error for error in both if np.isfinite(error)]:
                errors.append(float(np.mean(found)))
    return 100 * _mean(np.array(everywhere)), 100 * _mean(np.array(static))


def flow_warped_difference(
    depths: FloatArray, ground_truths: FloatArray, valid: Mask, K: Array, T_world_camera: Array
) -> float:
    """Return the difference [%] of depth at the same points of two frames, NaN without overlap.

        OPW = 100 / (N - 1)  sum_k mean_p |D_{k+1}(p) - D_k(p + F(p))| / G_{k+1}(p)

    F is the optical flow from frame k+1 to frame k that ground truth G and the poses define. The
    pixels p are valid and seen in both frames: the ground truth of frame k at p + F differs by at
    most OCCLUDED from the distance of the point, which leaves out moving objects as well. Unlike
    TAE, this value contains the change in depth by the motion of the camera.

    Args:
        depths: aligned depth [N,H,W] m.
        ground_truths: depth [N,H,W] m.
        valid: mask [N,H,W] of pixels with ground truth.
        K: intrinsics [3,3] px.
        T_world_camera: poses [N,4,4] of the camera.
    """
    errors = []
    for k in range(len(depths) - 1):
        T = _matrix(inverse(T_world_camera[k]) @ T_world_camera[k + 1])  # T_source_target
        known = np.where(valid[k], ground_truths[k], 0)
        source = torch.cat(
            [_tensor(x) for x in (depths[k], known, valid[k])], dim=1
        )  # [1,3,H,W]: depth, ground truth, mask
        target = _tensor(np.where(valid[k + 1], ground_truths[k + 1], 1))  # [1,1,H,W]
        warped, inside = warp(source, target, _matrix(K), T)
        depth, seen, certain = warped[0].numpy()  # [H,W] each
        _, distance = project(back_project(target, _matrix(K)), _matrix(K), T)
        z = distance[0, 0].numpy()  # [H,W]
        # An interpolated mask of 1 means that all four neighbours have ground truth.
        common = valid[k + 1] & inside[0, 0].numpy() & (certain > 0.999)
        common &= np.abs(seen - z) <= OCCLUDED * z
        if common.any():
            difference = np.abs(depths[k + 1] - depth)[common]
            errors.append(float(np.mean(difference / ground_truths[k + 1][common])))
    return 100 * float(np.mean(errors)) if errors else np.nan


def temporal_metrics(
    predictions: FloatArray,
    ground_truths: FloatArray,
    valid: Mask,
    K: Array,
    T_world_camera: Array,
    stamps: list[int],
    limits: tuple[float, float],
) -> TemporalMetrics:
    """Return the metrics of the predictions of one clip, in any unit.

    The scale of a frame is median(ground truth) / median(prediction) of its valid pixels.

    Args:
        predictions: depth [N,H,W], positive, before any alignment.
        ground_truths: depth [N,H,W] m.
        valid: mask [N,H,W] of pixels with ground truth; every frame has some.
        K: intrinsics [3,3] px.
        T_world_camera: poses [N,4,4] of the camera.
        stamps: timestamps [ns] of the frames.
        limits: range [m] to which aligned depth is clipped.
    """
    s, t = align_clip(predictions, ground_truths, valid)
    depths = np.clip(s * predictions + t, *limits).astype(np.float32)
    scales = [
        float(np.median(g[v]) / np.median(p[v]))
        for p, g, v in zip(predictions, ground_truths, valid, strict=True)
    ]
    drift = scale_drift(scales, stamps)
    tae, tae_static = temporal_alignment_errors(depths, ground_truths, valid, K, T_world_camera)
    return TemporalMetrics(
        tae,
        tae_static,
        flow_warped_difference(depths, ground_truths, valid, K, T_world_camera),
        drift.spread,
        abs(drift.trend),
    )


def _mean(values: FloatArray) -> float:
    return float(np.mean(values)) if values.size else np.nan


def _tensor(image: FloatArray | Mask) -> Tensor:
    return torch.from_numpy(np.asarray(image, np.float32))[None, None]  # [1,1,H,W]


def _matrix(matrix: Array) -> Tensor:
    return torch.from_numpy(np.asarray(matrix, np.float32))[None]  # [1,3,3] or [1,4,4]
