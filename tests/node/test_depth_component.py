# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Life-cycle, parameters and service of the component, and images that cannot be processed."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.camera_bags import WIDTH, stamp
from helpers.component_rig import GivenDepth, MemoryHost, Rig

from jasmine_core.errors import CheckpointError, ConfigError
from jasmine_core.runtime.predictor import DepthPredictor
from jasmine_ros.node.depth_component import DepthComponent
from jasmine_ros.node.parameters import DepthParameters
from jasmine_ros.node.topics import ENABLE, POINTS


def test_only_the_newest_image_is_processed(checkpoint):
    rig = Rig(checkpoint, MemoryHost(deferred=True))
    rig.info()
    for index in range(5):
        rig.image(index)
    rig.host.work()
    assert (rig.counts.received, rig.counts.processed, rig.counts.dropped) == (5, 1, 4)
    assert rig.host.frames[0].stamp == stamp(4)


def test_deactivate_drops_the_waiting_image_and_cleanup_frees_the_model(checkpoint):
    rig = Rig(checkpoint, MemoryHost(deferred=True))
    rig.info()
    rig.image(0)
    rig.component.deactivate()
    rig.host.work()
    assert (rig.counts.processed, rig.counts.ignored) == (0, 1)
    assert not (rig.host.callbacks or rig.host.timers or rig.host.advertised)
    rig.component.cleanup()
    with pytest.raises(ConfigError, match="not configured"):
        _ = rig.component.predictor
    rig.component.configure()
    rig.component.activate()
    rig.info()
    rig.image(1)
    rig.host.work()
    assert rig.counts.processed == 1


def test_an_image_that_is_finished_after_deactivate_is_not_published(checkpoint):
    rig = Rig(checkpoint)

    def answer(image):
        rig.component.deactivate()
        return np.ones(image.shape[1:], np.float32)

    rig.component._predictor = DepthPredictor(GivenDepth(answer))
    rig.info()
    rig.image()
    assert not rig.host.published and not rig.host.frames
    assert (rig.counts.processed, rig.counts.ignored) == (0, 1)


def test_configure_fails_without_a_checkpoint(tmp_path):
    component = DepthComponent(MemoryHost(), DepthParameters(checkpoint=str(tmp_path / "none")))
    with pytest.raises(CheckpointError, match="no checkpoint at"):
        component.configure()


def test_all_given_parameters_change_or_none(checkpoint):
    rig = Rig(checkpoint)
    before = rig.component.parameters
    for changes, words in (
        ({"publish_points": True, "points_stride": 0}, "points_stride is 0"),
        ({"publish_points": True, "checkpoint": "other"}, "at start only"),
        ({"publish_points": True, "nonsense": 1}, "nonsense"),
        ({"publish_points": "yes"}, "publish_points"),
        ({"min_depth": 5.0, "max_depth": 2.0}, "raise max_depth"),
    ):
        with pytest.raises(ConfigError, match=words):
            rig.component.on_parameters(changes)
        assert rig.component.parameters == before
    rig.component.on_parameters({"publish_points": True, "points_stride": 2})
    rig.info()
    rig.image()
    assert rig.last(POINTS).width == WIDTH // 2


def test_the_enable_service_stops_and_restarts_the_processing(checkpoint):
    rig = Rig(checkpoint)
    rig.info()
    for index, enabled in enumerate((False, True)):
        request = rig.host.messages.make("std_msgs/msg/Bool", data=enabled)
        assert rig.host.services[ENABLE](request)["success"]
        rig.image(index)
        assert (rig.counts.processed, rig.counts.ignored) == (int(enabled), 1)
    assert rig.counts.received == 2


# ---------------------------------------------------------------------- skipped images


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"encoding": "rgb24"}, "'rgb24'"),
        ({"data": np.zeros(100, np.uint8)}, "100 bytes"),
        ({"step": 7}, "step 7"),
        ({"height": 0}, "x0 px"),
    ],
)
def test_an_invalid_image_is_counted_and_skipped(checkpoint, fields, words):
    rig = Rig(checkpoint)
    rig.info()
    rig.image(0)
    rig.image(1, **fields)
    rig.image(2)
    assert (rig.counts.received, rig.counts.processed, rig.counts.skipped) == (3, 2, 1)
    assert words in rig.counts.reasons["unusable"][0]
    assert "/camera/image_raw" in rig.counts.reasons["unusable"][0]
    assert [s for s, text in rig.host.logged if "skipped" in text] == ["warn"]


def test_a_prediction_without_any_depth_does_not_stop_the_node(checkpoint):
    answers = iter([np.full((64, 128), np.nan), np.ones((64, 128))])
    rig = Rig(checkpoint)
    given = GivenDepth(lambda image: next(answers).astype(np.float32))
    rig.component._predictor = DepthPredictor(given, "stretch")
    rig.info()
    rig.image(0)
    rig.image(1)
    assert (rig.counts.processed, rig.counts.skipped) == (1, 1)
    assert "no pixel has a depth" in rig.counts.reasons["unusable"][0]


def test_an_exception_of_a_library_does_not_stop_the_node(checkpoint):
    def out_of_memory(image):
        raise RuntimeError("out of memory")

    rig = Rig(checkpoint)
    good = rig.component._predictor
    rig.info()
    rig.component._predictor = DepthPredictor(GivenDepth(out_of_memory))
    rig.image(0)
    rig.component._predictor = good
    rig.image(1)
    assert (rig.counts.processed, rig.counts.skipped) == (1, 1)
    assert rig.counts.reasons["failed"] == ["RuntimeError: out of memory"]


def test_only_every_100th_skipped_image_is_logged(checkpoint):
    rig = Rig(checkpoint)
    rig.info()
    for index in range(250):
        rig.image(index, encoding="rgb24")
    assert sum("skipped" in text for _, text in rig.host.logged) == 3  # the 1st, 100th, 200th


def test_images_with_earlier_stamps_are_processed_and_counted(checkpoint):
    rig = Rig(checkpoint)
    rig.info()
    for index in (5, 6, 1, 2):
        rig.image(index)
    assert (rig.counts.processed, rig.counts.backwards) == (4, 1)
