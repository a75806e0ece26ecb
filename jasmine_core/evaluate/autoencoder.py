# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Reconstruction error of depth and images by the frozen autoencoder of a checkpoint.

It is a lower bound of the depth error of the model, because the model decodes its depth with the
same autoencoder.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from jasmine_core.errors import CheckpointError, FrameError
from jasmine_core.evaluate.metrics import EDGE_RATIO, align_least_squares, depth_metrics
from jasmine_core.evaluate.protocols import PROTOCOLS
from jasmine_core.evaluate.run import Sample
from jasmine_core.evaluate.world import Kind, world_samples
from jasmine_core.geometry.camera import stretch
from jasmine_core.loss.teacher import PERCENTILES
from jasmine_core.loss.velocity import METRES_PER_UNIT
from jasmine_core.model.jasmine import JasmineModel

BESIDE = 2  # [px] largest distance from a depth edge of the pixels beside it
GATE_FRAMES = 20


class RoundTrip(NamedTuple):
    """Mean reconstruction scores over the images."""

    depth_abs_rel: float  # with the depth range known
    depth_a1: float
    depth_abs_rel_least_squares: float  # with scale and shift fitted in the space of the depth code
    depth_abs_rel_beside_edges: float  # depth_abs_rel within BESIDE px of an edge
    image_psnr: float  # [dB]
    frames: int


@torch.inference_mode()
def measure_autoencoder(model: JasmineModel, samples: Iterable[Sample]) -> RoundTrip:
    """Encode and decode ground truth [m] and images at the image size of the checkpoint.

    If the checkpoint has a canonical focal length, depth is interpreted at this focal length.
    """
    size = model.config.width, model.config.height
    scale = model.config.metres_per_unit or METRES_PER_UNIT
    rows = []
    for sample in samples:
        to_size = stretch((sample.image.shape[1], sample.image.shape[0]), size)
        rgb = torch.from_numpy(to_size.image(sample.image).transpose(2, 0, 1).copy())
        image = rgb[None].float() / 255  # [1,3,H,W]
        resized = cv2.resize(sample.ground_truth, size, interpolation=cv2.INTER_NEAREST)
        ground_truth = np.asarray(resized, np.float32)
        rows.append(
            (*_depth_scores(model, ground_truth, scale), _psnr(image, _through(model, image)))
        )
    if not rows:
        raise FrameError("no image was encoded; set --frames to 1 or more")
    depth, a1, fitted, edges, psnr = np.nanmean(np.array(rows), axis=0).tolist()
    return RoundTrip(depth, a1, fitted, edges, psnr, len(rows))


def measure_on_world(
    model: JasmineModel, kind: Kind = "street", seed: int = 0, frames: int = GATE_FRAMES
) -> RoundTrip:
    """Measure on rendered test scenes."""
    return measure_autoencoder(model, world_samples(kind, seed, frames))


def expect_autoencoder(model: JasmineModel, limit: float, source: str) -> RoundTrip:
    """Raise CheckpointError if the depth AbsRel on rendered streets exceeds a limit."""
    found = measure_on_world(model)
    if not found.depth_abs_rel <= limit:
        raise CheckpointError(
            f"the autoencoder of {source} reconstructs ground-truth depth with AbsRel "
            f"{found.depth_abs_rel:.3f}, autoencoder_limit is {limit:g}; train it further first"
        )
    return found


def describe(found: RoundTrip) -> str:
    """Return the scores as text."""
    return (
        f"ground-truth depth, encoded and decoded, {found.frames} images:\n"
        f"  AbsRel {found.depth_abs_rel:.4f} with the range known, "
        f"{found.depth_abs_rel_least_squares:.4f} by least squares, "
        f"{found.depth_abs_rel_beside_edges:.4f} within {BESIDE} px of an edge\n"
        f"  delta < 1.25: {found.depth_a1:.4f}\n"
        f"images: PSNR {found.image_psnr:.2f} dB\n"
    )


def _depth_scores(
    model: JasmineModel, ground_truth: NDArray[np.float32], scale: float
) -> tuple[float, float, float, float]:
    """Return AbsRel, delta1, AbsRel by least squares and AbsRel beside edges of one map [H,W] m."""
    rules, code = PROTOCOLS["plain"], model.code
    valid = rules.in_range(ground_truth)
    # Sky and depth beyond the range of the network get its largest depth.
    units = np.where(ground_truth > 0, ground_truth / np.float32(scale), code.far).clip(
        max=code.far
    )
    if code.absolute:
        codes = code.encode(torch.from_numpy(units))
    else:  # normalized by the 2nd and 98th percentile as in training (Eq. 9)
        low, high = np.quantile(units, PERCENTILES)
        codes = torch.from_numpy(((units - low) / max(high - low, 1e-6)).clip(0, 1)).float()
    decoded = _through(model, codes.expand(1, 3, -1, -1).float())
    returned = model.ssg.linked(2 * decoded - 1).clamp(0, 1)[0, 0].double()  # [H,W]

    t = ground_truth[valid].astype(np.float64)
    if code.absolute:
        depth = code.decode(returned).numpy() * scale
        s, shift = align_least_squares(returned.numpy()[valid], codes.double().numpy()[valid])
        fitted = code.decode(s * returned + shift).numpy()[valid] * scale
    else:
        depth = (returned.numpy() * (high - low) + low) * scale
        s, shift = align_least_squares(returned.numpy()[valid], t)
        fitted = (s * returned.numpy() + shift)[valid]
    depth, fitted = (d.clip(rules.min_depth, rules.max_depth) for d in (depth, fitted))
    own, least_squares = depth_metrics(depth[valid], t), depth_metrics(fitted, t)
    beside = _beside_edges(ground_truth) & valid
    error = np.abs(depth - ground_truth)[beside] / ground_truth[beside]
    return own.abs_rel, own.a1, least_squares.abs_rel, error.mean() if error.size else np.nan


def _through(model: JasmineModel, image: Tensor) -> Tensor:
    """Return an image [1,3,H,W] in [0,1] after encoding and decoding."""
    latent = model.encode(image) / float(model.vae.config.scaling_factor)
    rebuilt: Tensor = (model.vae.decode(latent).sample + 1) / 2
    return rebuilt


def _psnr(image: Tensor, rebuilt: Tensor) -> float:
    return float(-10 * torch.log10((image - rebuilt.clamp(0, 1)).square().mean().clamp(min=1e-10)))


def _beside_edges(ground_truth: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Return the mask [H,W] of pixels near a depth step of more than a factor of EDGE_RATIO."""
    logs = np.log(np.where(ground_truth > 0, ground_truth, np.nan))
    edges = np.zeros(ground_truth.shape, np.uint8)
    for axis in (0, 1):
        step = np.abs(np.diff(logs, axis=axis)) > np.log(EDGE_RATIO)  # NaN is no edge
        near, far = [slice(None)] * 2, [slice(None)] * 2
        near[axis], far[axis] = slice(None, -1), slice(1, None)
        edges[tuple(near)] |= step
        edges[tuple(far)] |= step
    around = cv2.dilate(edges, np.ones((2 * BESIDE - 1,) * 2, np.uint8))
    return np.asarray(around > 0, np.bool_)
