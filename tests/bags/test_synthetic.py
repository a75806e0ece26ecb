# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Bags of rendered sequences, and `jasmine demo`, which uses them."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest

from jasmine_core.evaluate.protocols import read_depth_image
from jasmine_core.geometry.rigid import from_numbers, inverse
from jasmine_core.synthetic.drive import WorldConfig, render_drive
from jasmine_ros.bags.camera_topics import choose_camera
from jasmine_ros.bags.reader import Bag
from jasmine_ros.bags.scan import fixed_transforms
from jasmine_ros.bags.synthetic import IMAGE, ODOM, START, write_world_bag
from jasmine_ros.cli import main
from jasmine_ros.commands.demo import sample_drive
from jasmine_ros.msgs.camera_info import calibration_of
from jasmine_ros.msgs.images import decode
from jasmine_ros.msgs.transforms import numbers_of

CONFIG = WorldConfig(width=96, height=64, frames=4, rate=10.0, texture_banks=1)


@pytest.fixture(scope="module", params=["street", "room"])
def drive(request, tmp_path_factory):
    """Return a rendered drive and its bag."""
    folder = tmp_path_factory.mktemp(request.param)
    config = WorldConfig(**(vars(CONFIG) | {"kind": request.param}))
    write_world_bag(7, config, folder / "drive", folder / "ground_truth")
    return render_drive(7, config), folder


def poses(bag):
    for message in bag.messages([ODOM]):
        odometry = bag.decode(message)
        pose, twist = odometry.pose.pose, odometry.twist.twist
        yield from_numbers(numbers_of(pose.position, pose.orientation)), twist


def test_images_and_ground_truth_equal_the_rendered_ones(drive):
    rendered, folder = drive
    with Bag(folder / "drive") as bag:
        camera = choose_camera(bag)
        images = [(m.stamp, decode(bag.decode(m))) for m in bag.messages([camera.image])]
        info = bag.decode(next(iter(bag.messages([camera.info]))))
    assert [at - START for at, _ in images] == rendered.stamps
    np.testing.assert_allclose(calibration_of(info).K, rendered.K.numpy(), rtol=1e-6)
    for index, (at, rgb) in enumerate(images):
        image = 255 * rendered.images[index].permute(1, 2, 0).numpy()
        assert np.abs(rgb - image).mean() < 6, "JPEG is not lossless"
        ground_truth = read_depth_image(folder / "ground_truth" / f"{at}.png")
        depth = rendered.depths[index, 0].numpy()
        close = depth < 250
        np.testing.assert_allclose(ground_truth[close], depth[close], atol=1 / 256)
        assert (ground_truth[np.isinf(depth)] == 0).all()


def test_odometry_and_extrinsics_give_the_motion_of_the_camera(drive):
    """The twist is that of the vehicle between two images."""
    rendered, folder = drive
    with Bag(folder / "drive") as bag:
        T_base_camera = fixed_transforms(bag)["base_link", "camera_optical_frame"]
        recorded = list(poses(bag))
    np.testing.assert_allclose(recorded[0][0], np.eye(4), atol=1e-9)
    world = rendered.T_world_camera.double().numpy()
    for index in range(1, 4):
        T_odom_camera = recorded[index][0] @ T_base_camera
        moved = inverse(recorded[0][0] @ T_base_camera) @ T_odom_camera
        np.testing.assert_allclose(moved, inverse(world[0]) @ world[index], atol=1e-5)
    step = inverse(recorded[1][0]) @ recorded[2][0]
    linear = recorded[1][1].linear
    velocity = np.array([linear.x, linear.y, linear.z])
    np.testing.assert_allclose(
        step[:3, 3] * CONFIG.rate, velocity, atol=0.15 * np.linalg.norm(velocity)
    )


def test_the_vehicle_moves_forward_in_the_street(tmp_path):
    write_world_bag(3, CONFIG, tmp_path / "drive")
    with Bag(tmp_path / "drive") as bag:
        _, twist = next(iter(poses(bag)))
    assert twist.linear.x > 2 and abs(twist.linear.y) < 1 and abs(twist.linear.z) < 1


def test_demo_writes_a_bag_of_a_given_seed(tmp_path, capsys):
    options = ["--write-bag", str(tmp_path / "new"), "--frames", "2", "--seed", "5"]
    assert main(["demo", *options]) == 0
    assert str(tmp_path / "new" / "drive") in capsys.readouterr().out
    with Bag(tmp_path / "new" / "drive") as bag:
        assert bag.topics[IMAGE].count == 2
    assert main(["demo", *options]) == 1, "an existing bag is not overwritten"


def test_demo_prints_its_accuracy_and_writes_its_reports(tmp_path, capsys):
    assert main(["demo", "-o", str(tmp_path / "demo")]) == 0
    printed = capsys.readouterr().out
    assert "mean-depth map (trivial)" in printed
    report = json.loads((tmp_path / "demo" / "report.json").read_text())
    accuracy = json.loads((tmp_path / "demo" / "accuracy.json").read_text())
    assert report["frames"]["processed"] == accuracy["frames"] == 40
    assert ("random weights" in printed) == ("random" in report["model"]["checkpoint"])
    assert cv2.imread(str(tmp_path / "demo" / "preview.png")) is not None


def test_the_bundled_recording_is_smaller_than_8_mib():
    files = [f for part in sample_drive() for f in part.rglob("*") if f.is_file()]
    assert sum(f.stat().st_size for f in files) < 8 * 2**20
