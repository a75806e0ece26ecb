# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Networks that return invalid depth or raise exceptions; the backends are simulated."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest
import torch
from faults.rig import SimulatedBackend
from helpers.camera_bags import pixels, stamp

from jasmine_core.errors import EngineError, ExportError
from jasmine_ros.node.topics import DEPTH, POINTS

ROUNDS = 50


def valid_depth(image: np.ndarray) -> np.ndarray:
    return image[0] + np.float32(1)


def depth_with_holes(image: np.ndarray) -> np.ndarray:
    depth = valid_depth(image)
    depth[:, ::2] = np.nan
    depth[0], depth[1], depth[2] = np.inf, -np.inf, -1.0
    return depth


def constant_depth(value: float):
    return lambda image: np.full(image.shape[1:], value, np.float32)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 0.0, -3.0])
def test_images_without_finite_depth_are_skipped(make_rig, value, record_property):
    backend = SimulatedBackend(valid_depth)
    rig = make_rig(backend)
    rig.send(lambda bag: bag.info(0))
    for index in range(ROUNDS):
        backend.depth = constant_depth(value) if index % 2 else valid_depth
        rig.send(lambda bag, i=index: bag.image(stamp(i), pixels(i)))
    assert (rig.counts.processed, rig.counts.skipped) == (ROUNDS // 2, ROUNDS // 2)
    (reason,) = rig.counts.reasons["unusable"]
    assert "no pixel has a depth" in reason
    record_property("images skipped", f"{rig.counts.skipped} of {ROUNDS}")
    assert len(rig.host.published[DEPTH]) == ROUNDS // 2


@pytest.mark.parametrize("encoding", ["32FC1", "16UC1"])
def test_invalid_pixels_are_unknown_in_the_messages(make_rig, encoding):
    outputs = {"publish_points": True, "publish_colorized": True, "publish_confidence": True}
    rig = make_rig(
        SimulatedBackend(depth_with_holes),
        depth_encoding=encoding,
        points_edge_threshold=0.0,
        **outputs,
    )
    rig.send(lambda bag: bag.info(0))
    rig.send(lambda bag: bag.image(stamp(0), pixels()))
    (depth,), (cloud,) = rig.host.published[DEPTH], rig.host.published[POINTS]
    if encoding == "32FC1":
        values = depth.data.view(np.float32)
        known = np.isfinite(values)
        assert np.isnan(values[~known]).all(), "unknown is NaN and not infinity (REP 118)"
    else:
        values = depth.data.view(np.uint16)
        known = values > 0
    assert 0 < known.sum() < known.size and (values[known] > 0).all()
    z = cloud.data.view(np.float32).reshape(-1, 4)[:, 2]
    np.testing.assert_array_equal(np.isfinite(z), known)


def test_images_are_skipped_while_the_gpu_is_out_of_memory(make_rig, record_property):
    """A simulated backend raises the exception of torch, so that no GPU is needed."""
    backend, kept = SimulatedBackend(valid_depth), []

    def no_memory(image: np.ndarray) -> np.ndarray:
        workspace = np.zeros(1000)
        kept.append(weakref.ref(workspace))
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")

    rig = make_rig(backend)
    rig.send(lambda bag: bag.info(0))
    for index in range(ROUNDS):
        backend.depth = no_memory if index % 2 else valid_depth
        rig.send(lambda bag, i=index: bag.image(stamp(i), pixels(i)))
    assert (rig.counts.processed, rig.counts.skipped) == (ROUNDS // 2, ROUNDS // 2)
    (reason,) = rig.counts.reasons["failed"]
    assert "OutOfMemoryError" in reason and "2.00 GiB" in reason
    record_property("images skipped", f"{rig.counts.skipped} of {ROUNDS}")
    gc.collect()
    assert not any(ref() is not None for ref in kept), "a stored traceback would keep the tensors"
    warnings = [text for severity, text in rig.host.logged if severity in ("warn", "error")]
    assert sum("OutOfMemoryError" in text for text in warnings) == 1, "the first of 25 is logged"


@pytest.mark.parametrize("error", [EngineError, ExportError])
def test_images_are_skipped_while_a_graph_is_missing(make_rig, error):
    """This happens if the files are deleted and the image size changes afterwards."""

    def missing_graph(image: np.ndarray) -> np.ndarray:
        raise error("no graph for 64x32 px")

    network = SimulatedBackend(missing_graph)
    rig = make_rig(network)
    rig.send(lambda bag: bag.info(0))
    for index in range(2):
        rig.send(lambda bag, i=index: bag.image(stamp(i), pixels(i)))
        network.depth = valid_depth
    assert (rig.counts.processed, rig.counts.skipped) == (1, 1)
    assert any("no graph for" in reason for reason in rig.counts.reasons["unusable"])


@pytest.mark.parametrize("shape", [(1, 1), (64, 65), (0, 0), (64,)])
def test_depth_of_a_wrong_shape_is_not_published(make_rig, shape):
    rig = make_rig(SimulatedBackend(lambda image: np.ones(shape, np.float32)))
    rig.send(lambda bag: bag.info(0))
    rig.send(lambda bag: bag.image(stamp(0), pixels()))
    assert (rig.counts.processed, rig.counts.skipped) == (0, 1) and not rig.host.published[DEPTH]
