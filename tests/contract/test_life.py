# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Contract: late, invalid, missing and too many messages, and changes of parameters."""

from __future__ import annotations

import re
import time

import numpy as np
import pytest
from helpers.camera_bags import HEIGHT, WIDTH, pixels, stamp
from helpers.live_topics import ending, until

from contract.steps import STATUSES, Absence, Burst, Change, image, info
from jasmine_ros.msgs.messages import stamp_ns
from jasmine_ros.node.topics import DEPTH, DEPTH_INFO, DIAGNOSTICS, LATENCY, POINTS


def test_images_wait_for_a_camera_info_that_comes_late_and_once(driver):
    steps = [image(0), image(1), info(2), image(3), image(4), image(5)]
    heard = driver.run(steps, fresh=True)
    assert heard.stamps() == [stamp(index) for index in (3, 4, 5)]
    assert heard.counts == STATUSES | {"received": 5, "processed": 3, "skipped": 2}


def test_bad_images_are_skipped_and_counted_and_the_next_one_is_not(driver):
    bad = [
        {"encoding": "rgb24"},
        {"encoding": "32FC1"},
        {"step": 7},
        {"height": 0},
        {"data": np.zeros(100, np.uint8)},
        {"width": 2**32 - 1},
    ]
    steps = [image(index, **fields) for index, fields in enumerate(bad)]
    heard = driver.run([info(), *steps, image(len(bad))])
    assert heard.stamps() == [stamp(len(bad))]
    received, skipped = len(bad) + 1, len(bad)
    assert heard.counts == STATUSES | {"received": received, "processed": 1, "skipped": skipped}


def test_images_are_skipped_after_an_invalid_camera_info_until_a_valid_one(driver):
    bad = [
        {"k": np.zeros((3, 3)), "p": np.zeros((3, 4))},  # P replaces a K of zeros
        {"width": 2 * WIDTH, "height": 2 * HEIGHT},
        {"distortion_model": "magic", "d": np.ones(5)},
        {"k": np.full((3, 3), np.nan)},
    ]
    steps = []
    for index, fields in enumerate(bad):
        steps += [info(index, **fields), image(index)]
    heard = driver.run([info(), *steps, info(9), image(9)])
    assert heard.stamps() == [stamp(9)]
    assert heard.counts["skipped"] == len(bad)


def test_stamps_may_jump_back(driver):
    """Timestamps jump back when a bag is looped."""
    order = (5, 6, 7, 1, 2, 6)
    heard = driver.run([info(), *(image(index) for index in order)])
    assert heard.stamps() == [stamp(index) for index in order]


def test_a_camera_may_leave_and_return(driver):
    heard = driver.run([info(), image(1), Absence(), image(2), info(3), image(3)])
    assert {stamp(1), stamp(2), stamp(3)} == set(heard.stamps())


def test_only_the_newest_of_many_images_is_processed(driver):
    big = {"width": 640, "height": 480}
    shown = pixels(0, **big)
    burst = Burst(tuple(image(index, shown) for index in range(1, 40)))
    heard = driver.run([info(**big), image(0, shown), burst])
    stamps, counts = heard.stamps(), heard.counts
    assert stamps[-1] == stamp(39), "the last one is never the one that is dropped"
    assert stamps == sorted(stamps) and len(set(stamps)) == len(stamps)
    assert counts["received"] == counts["processed"] + counts["dropped"]
    assert counts["skipped"] == counts["ignored"] == 0 and counts["processed"] == len(stamps)
    if not driver.live:  # The bag host processes every image.
        assert len(stamps) == 40 and counts["dropped"] == 0


def test_disabled_outputs_publish_nothing(driver):
    heard = driver.run([info(), image(1)])
    spoken = {topic for topic, messages in heard.messages.items() if messages}
    assert spoken <= {DEPTH, DEPTH_INFO, DIAGNOSTICS, LATENCY} and {DEPTH, DEPTH_INFO} <= spoken


def test_diagnostics_name_the_node_with_its_namespace(driver):
    heard = driver.run([info(), image(1)])
    names = {status.name for report in heard.messages[DIAGNOSTICS] for status in report.status}
    (name,) = names
    assert re.fullmatch(r"robot(_\d+)?/depth: depth", name)


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        # The second form is the error of rclpy.
        ({"points_stride": 0}, "points_stride (is|out of range.* value:) 0"),
        ({"depth_encoding": "64FC1"}, "depth_encoding is '64FC1'"),
        ({"min_depth": 5.0, "max_depth": 2.0}, "raise max_depth"),
        ({"network_width": 64}, "set both or none"),
    ],
)
def test_a_wrong_parameter_ends_the_start_with_its_name(driver, parameters, words):
    said = driver.refusal(**parameters)
    assert re.search(words, said) and "Traceback" not in said


def test_a_missing_checkpoint_ends_the_start_with_its_name(driver, tmp_path):
    said = driver.refusal(checkpoint=tmp_path / "none")
    assert f"no checkpoint at {tmp_path / 'none'}" in said and "Traceback" not in said


def test_parameters_change_all_or_none(driver):
    if not driver.sets_parameters:
        pytest.skip("this host takes its parameters at start; it has no parameter services")
    steps = [
        info(),
        image(0),
        Change({"publish_points": True, "points_stride": 0}),
        image(1),
        Change({"publish_points": True, "checkpoint": "other"}),
        Change({"publish_points": "yes"}),
        Change({"min_depth": 5.0, "max_depth": 2.0}),
        Change({"publish_points": True, "points_stride": 2}),
        image(2),
        Change({"publish_points": False, "points_stride": 1}),
        image(3),
    ]
    heard = driver.run(steps)
    words = ("points_stride", "checkpoint", "publish_points|expected.*(BOOL|'1')", "max_depth")
    for refusal, word in zip(heard.refusals, words, strict=False):
        assert refusal and re.search(word, refusal), (word, refusal)
    assert heard.refusals[len(words) :] == [None, None]
    assert heard.stamps(POINTS) == [stamp(2)]
    assert heard.messages[POINTS][0].width == WIDTH // 2
    assert len(heard.stamps()) == 4


# ---------------------------------------------------------------------- a live node's own


@pytest.fixture
def live_driver(driver):
    if not driver.live:
        pytest.skip("a bag begins and ends by itself")
    return driver


def test_a_camera_info_that_was_sent_once_before_the_node_started(live_driver):
    """The node receives it by durability transient local; the camera does not send it again."""
    node, listener = live_driver.start(before=info(d=np.array([-0.3, 0.1, 0, 0, 0]), p=zoomed(60)))
    cameras = listener.heard[DEPTH_INFO]

    def answered(index: int) -> bool:
        cameras.clear()
        listener.send(image(index))
        listener.listen(0.3)
        return any(stamp_ns(camera.header.stamp) == stamp(index) for camera in cameras)

    until(lambda: answered(1), "depth by a camera that was told before")
    assert cameras[-1].k[0] == 60 and not np.any(cameras[-1].d)
    listener.send(info(2, p=zoomed(70)))  # The same writer sends again.
    until(lambda: answered(2) and cameras[-1].k[0] == 70, "depth by the newer camera")
    assert not node.gone and "Traceback" not in node.said
    node.kill()


def zoomed(focal: float) -> np.ndarray:
    """Return P of a rectified camera with a focal length [px]."""
    return np.array([[focal, 0, WIDTH / 2, 0], [0, focal, HEIGHT / 2, 0], [0, 0, 1, 0]])


def test_ctrl_c_ends_a_node_within_two_seconds_and_peers_see_it_go(live_driver):
    node, listener = live_driver.start()
    seconds = node.stop()
    assert node.process.returncode == 0, node.said
    assert seconds < ending() and "Traceback" not in node.said
    end = time.monotonic() + 2
    while any(reader.matched for reader in listener.readers.values()):
        assert time.monotonic() < end, "outputs of a node that has gone"
        time.sleep(0.05)
    node.kill()
