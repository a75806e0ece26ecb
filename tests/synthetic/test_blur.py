# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
import pytest
import torch

from jasmine_core.synthetic.blur import blurred, displacement
from jasmine_core.synthetic.render import offsets
from jasmine_core.synthetic.trace import View

WIDTH, HEIGHT, FOCAL, DEPTH = 64, 24, 50.0, 5.0


def view():
    K = torch.tensor([[FOCAL, 0, (WIDTH - 1) / 2], [0, FOCAL, (HEIGHT - 1) / 2], [0, 0, 1]])
    return View(
        scene=torch.zeros(1, dtype=torch.int64),
        rotation=torch.eye(3)[None],
        position=torch.zeros(1, 3),
        time=torch.zeros(1),
        K=K[None],
        width=WIDTH,
        height=HEIGHT,
        offsets=offsets(1),
    )


def moved(shift=(0.0, 0.0, 0.0), velocity=(0.0, 0.0, 0.0), shutter=0.1, depth=DEPTH):
    opening, closing = torch.eye(4)[None], torch.eye(4)[None].clone()
    closing[0, :3, 3] = torch.tensor(shift)
    return displacement(
        view(), torch.full((1, 1, HEIGHT, WIDTH), depth),
        torch.tensor(velocity)[None, :, None, None].expand(-1, -1, HEIGHT, WIDTH),
        opening, closing, torch.tensor([shutter]),
    )  # fmt: skip


def test_a_camera_that_moves_right_moves_the_image_left():
    way = moved(shift=(0.2, 0.0, 0.0))
    assert torch.allclose(way[:, 0], torch.tensor(-FOCAL * 0.2 / DEPTH), atol=1e-4)
    assert torch.allclose(way[:, 1], torch.tensor(0.0), atol=1e-4)


def test_the_sky_moves_only_when_the_camera_turns():
    assert moved(shift=(0.2, 0.0, 0.0), depth=torch.inf).abs().max() < 0.01


def test_an_object_that_moves_is_blurred_before_a_standing_camera():
    way = moved(velocity=(2.0, 0.0, 0.0))
    assert torch.allclose(way[:, 0], torch.tensor(FOCAL * 2.0 * 0.1 / DEPTH), atol=1e-4)


def test_an_object_that_keeps_pace_with_the_camera_stays_sharp():
    assert moved(shift=(0.2, 0.0, 0.0), velocity=(2.0, 0.0, 0.0)).abs().max() < 0.1


def test_blur_keeps_light_and_spreads_an_edge_over_the_way():
    edge = torch.zeros(1, 3, HEIGHT, WIDTH)
    edge[..., WIDTH // 2 :] = 1
    way = torch.zeros(1, 2, HEIGHT, WIDTH)
    assert torch.allclose(blurred(edge, way), edge, atol=1e-5)
    way[:, 0] = 8
    soft = blurred(edge, way)
    assert soft.mean().item() == pytest.approx(edge.mean().item(), abs=0.01)
    between = (soft > 0.01) & (soft < 0.99)
    assert between.any(-1).all()
    assert 6 <= between[0, 0, 0].sum() <= 10
