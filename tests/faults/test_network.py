# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""What a network can do to the node that runs it. The backends here are simulated, and say so."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest
import torch
from faults.rig import Answers
from helpers.camera_bags import pixels, stamp

from jasmine_core.errors import EngineError, ExportError
from jasmine_ros.node.topics import DEPTH, POINTS

ROUNDS = 50


def good(image: np.ndarray) -> np.ndarray:
    return image[0] + np.float32(1)


def holes(image: np.ndarray) -> np.ndarray:
    depth = good(image)
    depth[:, ::2] = np.nan
    depth[0], depth[1], depth[2] = np.inf, -np.inf, -1.0
    return depth


def everywhere(value: float):
    return lambda image: np.full(image.shape[1:], value, np.float32)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 0.0, -3.0])
def test_a_network_without_a_finite_answer_costs_its_frames_only(make_rig, value, record_property):
    backend = Answers(good)
    rig = make_rig(backend)
    rig.send(lambda bag: bag.info(0))
    for index in range(ROUNDS):
        backend.answer = everywhere(value) if index % 2 else good
        rig.send(lambda bag, i=index: bag.image(stamp(i), pixels(i)))
    assert (rig.counts.processed, rig.counts.skipped) == (ROUNDS // 2, ROUNDS // 2)
    (reason,) = rig.counts.reasons["unusable"]
    assert "no pixel has a depth" in reason
    record_property("images lost", f"{rig.counts.skipped} of {ROUNDS}")
    assert len(rig.host.published[DEPTH]) == ROUNDS // 2


@pytest.mark.parametrize("encoding", ["32FC1", "16UC1"])
def test_where_the_network_knows_nothing_the_messages_say_so(make_rig, encoding):
    outputs = {"publish_points": True, "publish_colorized": True, "publish_confidence": True}
    rig = make_rig(Answers(holes), depth_encoding=encoding, points_edge_threshold=0.0, **outputs)
    rig.send(lambda bag: bag.info(0))
    rig.send(lambda bag: bag.image(stamp(0), pixels()))
    (depth,), (cloud,) = rig.host.published[DEPTH], rig.host.published[POINTS]
    if encoding == "32FC1":
        values = depth.data.view(np.float32)
        known = np.isfinite(values)
        assert np.isnan(values[~known]).all(), "NaN, and no infinity (REP 118)"
    else:
        values = depth.data.view(np.uint16)
        known = values > 0
    assert 0 < known.sum() < known.size and (values[known] > 0).all()
    z = cloud.data.view(np.float32).reshape(-1, 4)[:, 2]
    np.testing.assert_array_equal(np.isfinite(z), known)


def test_simulated_gpu_out_of_memory(make_rig, record_property):
    """The real exception of torch, raised where a backend would; no GPU is needed for that."""
    backend, kept = Answers(good), []

    def no_memory(image: np.ndarray) -> np.ndarray:
        workspace = np.zeros(1000)
        kept.append(weakref.ref(workspace))
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")

    rig = make_rig(backend)
    rig.send(lambda bag: bag.info(0))
    for index in range(ROUNDS):
        backend.answer = no_memory if index % 2 else good
        rig.send(lambda bag, i=index: bag.image(stamp(i), pixels(i)))
    assert (rig.counts.processed, rig.counts.skipped) == (ROUNDS // 2, ROUNDS // 2)
    (reason,) = rig.counts.reasons["failed"]
    assert "OutOfMemoryError" in reason and "2.00 GiB" in reason
    record_property("images lost", f"{rig.counts.skipped} of {ROUNDS}")
    gc.collect()
    assert not any(ref() is not None for ref in kept), "a kept traceback would keep the tensors"
    warnings = [text for severity, text in rig.host.said if severity in ("warn", "error")]
    assert sum("OutOfMemoryError" in text for text in warnings) == 1, "said once, not each time"


@pytest.mark.parametrize("error", [EngineError, ExportError])
def test_a_graph_that_is_gone_costs_images_and_not_the_node(make_rig, error):
    """As when files are deleted and the camera then comes with a size that needs another one."""

    def gone(image: np.ndarray) -> np.ndarray:
        raise error("no graph for 64x32 px")

    network = Answers(gone)
    rig = make_rig(network)
    rig.send(lambda bag: bag.info(0))
    for index in range(2):
        rig.send(lambda bag, i=index: bag.image(stamp(i), pixels(i)))
        network.answer = good
    assert (rig.counts.processed, rig.counts.skipped) == (1, 1)
    assert any("no graph for" in reason for reason in rig.counts.reasons["unusable"])


@pytest.mark.parametrize("shape", [(1, 1), (64, 65), (0, 0), (64,)])
def test_an_answer_of_another_shape_is_no_image(make_rig, shape):
    rig = make_rig(Answers(lambda image: np.ones(shape, np.float32)))
    rig.send(lambda bag: bag.info(0))
    rig.send(lambda bag: bag.image(stamp(0), pixels()))
    assert (rig.counts.processed, rig.counts.skipped) == (0, 1) and not rig.host.published[DEPTH]
