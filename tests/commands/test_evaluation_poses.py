# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Temporal metrics of a bag with odometry, for a camera that drives towards a wall."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest
import torch
from helpers.camera_bags import HEIGHT, WIDTH, pixels, stamp, write_bag
from helpers.textured_wall import TEXTURE, look_up

from jasmine_core.errors import BagError
from jasmine_core.evaluate.run import Sample
from jasmine_core.geometry.camera import Camera
from jasmine_core.model.checkpoint import save_checkpoint
from jasmine_core.prepare.odometry import Odometry
from jasmine_ros.cli import main
from jasmine_ros.commands.evaluation_poses import read_odometry, with_poses

FRAME = "camera_optical_frame"
COUNT, STEP, WALL = 4, 0.5, 10.0  # frames, m per frame, m


def wall(index):
    """Return the image of the textured walls that `evaluate` has the depth of."""
    u, v = np.meshgrid(np.arange(WIDTH), np.arange(HEIGHT))
    z = np.where(v < 20, 2 * WALL, WALL) - STEP * index
    points = np.stack([(u - WIDTH / 2) * z / 80, (v - HEIGHT / 2) * z / 80], axis=-1)
    return np.repeat(look_up(TEXTURE, points / 2)[..., None], 3, axis=2).astype(np.uint8)


def noise(index):
    """Return an image that has nothing in common with that of another index."""
    return np.random.default_rng(index).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)


def drive(path, moves=1.0, child=FRAME, topics=("/odom",), shows=pixels):
    """Write a bag whose odometry reports `moves` times the true motion."""

    def fill(bag):
        make = bag.messages.make
        for index in range(COUNT):
            bag.info(stamp(index))
            bag.image(stamp(index), shows(index))
            position = make("geometry_msgs/msg/Point", z=moves * STEP * index)
            pose = make(
                "geometry_msgs/msg/Pose",
                position=position,
                orientation=make("geometry_msgs/msg/Quaternion", w=1.0),
            )
            message = make(
                "nav_msgs/msg/Odometry",
                header=bag.header(stamp(index), "odom"),
                child_frame_id=child,
                pose=make("geometry_msgs/msg/PoseWithCovariance", pose=pose),
            )
            for topic in topics:
                bag.write(topic, "nav_msgs/msg/Odometry", stamp(index), message)

    return write_bag(path / "bag", fill)


@pytest.fixture(scope="module")
def positive(make_model, tmp_path_factory):
    """Return a checkpoint whose random depth is positive."""
    path = tmp_path_factory.mktemp("positive") / "checkpoint"
    model = make_model()
    with torch.no_grad():
        model.ssg.ss_head.shift_head[2].bias += 1
    save_checkpoint(model, path, mean_depth=torch.linspace(5, 20, 24)[:, None].repeat(1, 32))
    return path


@pytest.fixture
def evaluate(positive, tmp_path):
    folder = tmp_path / "ground_truth"
    folder.mkdir()
    for index in range(COUNT):
        depth = np.full((HEIGHT, WIDTH), 256 * (WALL - STEP * index), np.uint16)
        depth[:20] *= 2  # a second wall behind the first one would need another step
        depth[:20] += np.uint16(256 * STEP * index)
        cv2.imwrite(str(folder / f"{stamp(index)}.png"), depth)

    def run(bag, *options):
        file = tmp_path / "scores.json"
        options = [
            "--bag",
            str(bag),
            "--ground-truth",
            str(folder),
            "--protocol",
            "plain",
            *options,
        ]
        command = ["evaluate", "--checkpoint", str(positive), "--json", str(file), *options]
        return main(command), json.loads(file.read_text()) if file.exists() else None

    return run


def test_odometry_gives_temporal_metrics(evaluate, tmp_path):
    status, scores = evaluate(drive(tmp_path))
    assert status == 0 and scores["clips"] == 1 and scores["camera_motion"] == "odometry"
    changes = [STEP / (WALL - STEP * (index + 1)) for index in range(COUNT - 1)]
    near, far = HEIGHT - 20, 20
    share = (near + far / 2) / HEIGHT  # the far wall changes by the same metres at twice the depth
    ground_truth = scores["ground_truth"]
    assert ground_truth["opw"] == pytest.approx(100 * np.mean(changes) * share, rel=0.1)
    assert ground_truth["tae"] < 2
    assert all(scores["model"][name] is not None for name in ("tae", "scale_spread"))


def test_wrong_odometry_shows_in_the_error_of_ground_truth(evaluate, tmp_path):
    _, scores = evaluate(drive(tmp_path, moves=-1.0))
    assert scores["ground_truth"]["tae"] > 8, "about twice the motion"


UNUSABLE = [
    ({}, ("--odometry", "none")),
    ({"child": "elsewhere"}, ()),
    ({"topics": ("/odom_a", "/odom_b")}, ()),
    ({"topics": ()}, ()),
]


@pytest.mark.parametrize(("bag", "options"), UNUSABLE)
def test_a_bag_without_usable_odometry_gets_its_motion_from_the_images(
    evaluate, tmp_path, bag, options
):
    status, scores = evaluate(drive(tmp_path, shows=wall, **bag), *options)
    assert status == 0 and scores["camera_motion"] == "optical flow" and scores["clips"] == 1
    # With exact poses these images have a TAE of 0.43 and an OPW of 4.68.
    assert scores["ground_truth"]["tae"] < 1.2
    assert scores["ground_truth"]["opw"] == pytest.approx(4.68, rel=0.05)
    assert scores["model"]["tae"] > scores["ground_truth"]["tae"]


def test_images_without_a_common_scene_are_evaluated_one_by_one(evaluate, tmp_path):
    status, scores = evaluate(drive(tmp_path, shows=noise, topics=()))
    assert status == 0 and scores["frames"] == COUNT
    assert scores["clips"] == 0 and scores["model"]["tae"] is None


def test_a_reason_is_logged(tmp_path, caplog):
    assert read_odometry(drive(tmp_path, child="elsewhere"), None, None, None, None) is None
    assert "no transform" in caplog.text and "'elsewhere'" in caplog.text


def test_a_named_topic_that_is_missing_is_an_error(tmp_path):
    with pytest.raises(BagError, match="no odometry /wheels"):
        read_odometry(drive(tmp_path), None, None, None, "/wheels")


def test_a_gap_begins_a_clip_and_frames_outside_have_no_pose():
    second = 10**9
    numbers = (0.0, 0, 0, 0, 0, 0, 1)
    odometry = Odometry([(at, numbers) for at in (0, second // 4, 3 * second)], np.eye(4))
    camera = Camera(4, 2, np.eye(3))

    def read():
        for at in (0, second // 8, 3 * second // 2, 3 * second, 4 * second):
            yield Sample(at, np.zeros((2, 4, 3), np.uint8), np.ones((2, 4), np.float32))
        yield Sample(3 * second, np.zeros((2, 4, 3), np.uint8), np.ones((4, 8), np.float32))

    poses = [sample.pose for sample in with_poses(read, odometry, camera)]
    assert poses[0].clip == poses[1].clip < poses[3].clip
    assert poses[2] is None, "in a gap of the odometry"
    assert poses[4] is None, "after the odometry"
    assert poses[5] is None, "ground truth of another size has another K"
