# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Motion by the pose net of a checkpoint."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from jasmine_core.evaluate.world import world_samples
from jasmine_core.geometry.rigid import angle_of, inverse
from jasmine_core.model.posenet import SMALL_POSENET, PoseNet
from jasmine_core.runtime.pose_motion import pose_motion_of


def test_the_bundled_pose_net_sees_a_car_drive_ahead():
    samples = list(world_samples("street", 3, 4, 10.0, 4))
    motion = pose_motion_of("jasmine-tiny")
    for before, now in pairwise(samples):
        T = motion(before.image, now.image)
        true = inverse(before.pose.T_world_camera) @ now.pose.T_world_camera
        cosine = T[:3, 3] @ true[:3, 3] / np.linalg.norm(T[:3, 3]) / np.linalg.norm(true[:3, 3])
        assert cosine > 0.95
        assert angle_of(T[:3, :3].T @ true[:3, :3]) < np.radians(2)
        np.testing.assert_allclose(T[:3, :3] @ T[:3, :3].T, np.eye(3), atol=1e-5)


@pytest.mark.parametrize("shape", [(375, 1242), (480, 640), (31, 47)])
def test_images_of_any_size_are_taken(shape):
    motion = pose_motion_of("jasmine-tiny")
    image = np.random.default_rng(0).integers(0, 256, (*shape, 3), np.uint8)
    assert motion(image, image).shape == (4, 4)


def test_without_a_pose_net_there_is_no_motion(tmp_path, make_model, caplog):
    make_model().save_pretrained(tmp_path / "without")
    assert pose_motion_of(str(tmp_path / "without")) is None
    assert not caplog.messages, "a checkpoint needs none"
    assert pose_motion_of(str(tmp_path / "missing")) is None
    PoseNet(SMALL_POSENET).save_pretrained(tmp_path / "without" / "posenet")
    assert pose_motion_of(str(tmp_path / "without")) is not None
    caplog.clear()
    (tmp_path / "without" / "posenet" / "model.safetensors").write_bytes(b"damaged")
    assert pose_motion_of(str(tmp_path / "without")) is None
    assert "the pose net cannot be used" in caplog.text and "posenet" in caplog.text
