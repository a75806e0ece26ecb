# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.autograd import gradcheck

from jasmine_core.geometry import rigid
from jasmine_core.geometry.camera import Camera
from jasmine_core.geometry.warp import back_project, project, rigid_transform, warp

torch.set_num_threads(1)

K = torch.tensor([[40.0, 0, 20.3], [0, 50, 11.6], [0, 0, 1]], dtype=torch.float64)
EYE = torch.eye(4, dtype=torch.float64)[None]

number = st.floats(-2, 2, allow_subnormal=False)
vector = st.tuples(number, number, number)


def double(*values):
    return torch.tensor(values, dtype=torch.float64)[None]


def moved(x=0.0, y=0.0, z=0.0):
    T = EYE.clone()
    T[:, :3, 3] = double(x, y, z)
    return T


def texture(height=24, width=40, channels=3, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(1, channels, height, width, generator=generator, dtype=torch.float64)


# ---------------------------------------------------------------------- poses


@given(vector, vector)
def test_transform_equals_that_of_the_quaternion(v, t):
    angle = np.linalg.norm(v)
    axis = np.array(v) / angle if angle > 0 else np.array([1.0, 0, 0])
    q = [*(np.sin(angle / 2) * axis), np.cos(angle / 2)]
    expected = rigid.rigid(rigid.rotation_of(q), t)
    np.testing.assert_allclose(rigid_transform(double(*v), double(*t))[0], expected, atol=1e-12)


@given(vector, vector)
def test_invert_gives_the_inverse(v, t):
    T = rigid_transform(double(*v), double(*t))
    back = rigid_transform(double(*v), double(*t), invert=True)
    torch.testing.assert_close(back @ T, EYE, atol=1e-12, rtol=0)
    np.testing.assert_allclose(back[0], rigid.inverse(T[0].numpy()), atol=1e-12)


def test_zero_motion_is_the_identity_with_a_gradient():
    v = torch.zeros(1, 3, dtype=torch.float64, requires_grad=True)
    T = rigid_transform(v, torch.zeros(1, 3, dtype=torch.float64))
    torch.testing.assert_close(T.detach(), EYE, atol=0, rtol=0)
    T[0, 1, 0].backward()  # R = I + [v]_x near zero
    assert v.grad.tolist() == [[0, 0, 1]]


@pytest.mark.parametrize("size", [1e-8, 1e-4, 1e-2, 1.0])
def test_small_rotations_are_orthogonal_in_float32(size):
    T = rigid_transform(size * torch.tensor([[0.6, -0.3, 0.7]]), torch.zeros(1, 3))[0]
    torch.testing.assert_close(T @ T.T, torch.eye(4), atol=1e-6, rtol=0)


def test_transforms_have_gradients():
    v = torch.tensor([[0.1, -0.2, 0.05], [1.0, 2.0, 0.3]], dtype=torch.float64, requires_grad=True)
    t = torch.tensor([[0.3, 0.1, -2], [0.0, 0.5, 0.2]], dtype=torch.float64, requires_grad=True)
    for invert in (False, True):
        assert gradcheck(lambda v, t, invert=invert: rigid_transform(v, t, invert), (v, t))


# ---------------------------------------------------------------------- projection


def test_back_projection_equals_rays_times_depth():
    depth = 1 + texture(channels=1)
    rays = Camera(40, 24, K.numpy()).rays()
    expected = depth[0, 0].numpy()[..., None] * rays
    np.testing.assert_allclose(back_project(depth, K)[0].permute(1, 2, 0), expected, atol=1e-12)


def test_projection_is_the_inverse_of_back_projection():
    depth = 1 + texture(channels=1)
    pixels, distance = project(back_project(depth, K), K, EYE)
    v, u = torch.meshgrid(torch.arange(24.0), torch.arange(40.0), indexing="ij")
    torch.testing.assert_close(pixels[0], torch.stack([u, v]).double())
    torch.testing.assert_close(distance, depth)


def test_transforms_compose_under_projection():
    T_b_a = rigid_transform(double(0.1, -0.05, 0.02), double(0.2, 0.1, -0.3))
    T_c_b = rigid_transform(double(-0.03, 0.2, 0.1), double(-0.1, 0.0, 0.2))
    depth = 2 + texture(channels=1)
    in_a = back_project(depth, K)
    in_b = (T_b_a[0, :3, :3] @ in_a.flatten(2) + T_b_a[0, :3, 3:]).view_as(in_a)
    direct, distance = project(in_a, K, torch.from_numpy((T_c_b @ T_b_a).numpy()))
    stepwise, same = project(in_b, K, T_c_b)
    torch.testing.assert_close(direct, stepwise)
    torch.testing.assert_close(distance, same)


# ---------------------------------------------------------------------- warp


@pytest.mark.parametrize(("dtype", "atol"), [(torch.float64, 1e-12), (torch.float32, 2e-4)])
def test_zero_motion_returns_the_image(dtype, atol):
    image, depth = texture(96, 320).to(dtype), (0.2 + 3 * texture(96, 320, 1)).to(dtype)
    K = torch.tensor([[186.0, 0, 160], [0, 184, 48], [0, 0, 1]], dtype=dtype)
    warped = warp(image, depth, K, EYE.to(dtype))
    torch.testing.assert_close(warped.image, image, atol=atol, rtol=0)
    assert warped.inside.all()


def test_plane_shifts_by_focal_length_times_translation_over_depth():
    image = texture()
    depth = torch.full((1, 1, 24, 40), 4.0, dtype=torch.float64)
    right, down = 0.3, -0.16  # 40 * 0.3 / 4 = 3 px and 50 * -0.16 / 4 = -2 px
    warped = warp(image, depth, K, moved(right, down))
    torch.testing.assert_close(warped.image[..., 2:, :-3], image[..., :-2, 3:])
    inside = torch.zeros(24, 40, dtype=torch.bool)
    inside[2:, :-3] = True
    assert torch.equal(warped.inside[0, 0], inside)
    # Outside the image, its edge is repeated.
    torch.testing.assert_close(warped.image[..., 2:, -1], image[..., :-2, -1])


def test_shift_by_half_a_pixel_averages_two_pixels():
    depth = torch.full((1, 1, 24, 40), 4.0, dtype=torch.float64)
    image = texture()
    warped = warp(image, depth, K, moved(x=0.05)).image  # 40 * 0.05 / 4 = 1/2 px
    torch.testing.assert_close(warped[..., :-1], (image[..., :-1] + image[..., 1:]) / 2)


def test_forward_motion_magnifies_about_the_principal_point():
    depth = torch.full((1, 1, 24, 40), 4.0, dtype=torch.float64)
    u = torch.arange(40.0, dtype=torch.float64).expand(1, 1, 24, 40)
    T = moved(z=-1.0)  # the source is 1 unit ahead, so points are nearer to it
    warped = warp(u, depth, K, T)
    expected = 20.3 + (u - 20.3) * 4 / 3
    seen = warped.inside & (expected > 0) & (expected < 39)
    torch.testing.assert_close(warped.image[seen], expected[seen])
    assert not warped.inside[0, 0, :, 0].any()


def test_points_behind_the_source_are_not_inside():
    depth = torch.full((1, 1, 24, 40), 4.0, dtype=torch.float64)
    warped = warp(texture(), depth, K, moved(z=-4.5))
    assert not warped.inside.any()
    assert warped.image.isfinite().all()


def test_depth_zero_has_finite_values_and_gradients():
    depth = torch.zeros(1, 1, 24, 40, dtype=torch.float64, requires_grad=True)
    warp(texture(), depth, K, moved(0.01, 0.02, -0.03)).image.sum().backward()
    assert depth.grad.isfinite().all()


def test_each_image_of_a_batch_has_its_own_camera():
    images = torch.cat([texture(seed=1), texture(seed=2)])
    depths = 2 + torch.cat([texture(channels=1, seed=3), texture(channels=1, seed=4)])
    Ks = torch.stack([K, K.clone()])
    Ks[1, 0, 0] = 30
    T = rigid_transform(
        torch.tensor([[0.01, 0.02, 0.0], [0.0, -0.03, 0.01]], dtype=torch.float64),
        torch.tensor([[0.1, 0.0, 0.2], [-0.1, 0.05, 0.0]], dtype=torch.float64),
    )
    both = warp(images, depths, Ks, T).image
    for i in range(2):
        alone = warp(images[i : i + 1], depths[i : i + 1], Ks[i], T[i : i + 1]).image
        torch.testing.assert_close(both[i : i + 1], alone)


def test_warp_is_invariant_to_a_common_scale_of_depth_and_translation():
    depth, v, t = 2 + texture(channels=1), double(0.01, 0.02, -0.01), double(0.1, 0.05, -0.2)
    a = warp(texture(), depth, K, rigid_transform(v, t)).image
    b = warp(texture(), 7 * depth, K, rigid_transform(v, 7 * t)).image
    torch.testing.assert_close(a, b)


def test_autocast_does_not_change_the_result():
    image, depth = texture().float(), (1 + texture(channels=1)).float()
    v, t = torch.tensor([[0.02, 0.03, -0.01]]), torch.tensor([[0.05, 0.02, 0.1]])
    plain = warp(image, depth, K.float(), rigid_transform(v, t)).image
    with torch.autocast("cpu", torch.bfloat16):
        cast = warp(image, depth, K.float(), rigid_transform(v, t)).image
    torch.testing.assert_close(plain, cast, atol=0, rtol=0)


def test_warp_has_gradients_to_depth_pose_and_image():
    # A smooth image without coordinates on whole pixels, where sampling is not differentiable.
    image = texture(5, 6, 2).requires_grad_()
    depth = (1.5 + texture(5, 6, 1, seed=5)).requires_grad_()
    K = torch.tensor([[7.0, 0, 2.6], [0, 6, 2.1], [0, 0, 1]], dtype=torch.float64)
    v = double(0.02, -0.03, 0.05).requires_grad_()
    t = double(0.11, -0.07, 0.13).requires_grad_()

    def sample(image, depth, v, t):
        return warp(image, depth, K, rigid_transform(v, t)).image

    assert gradcheck(sample, (image, depth, v, t), eps=1e-7, atol=1e-5)


def test_quarter_turn_about_the_optical_axis_rotates_the_image():
    image = texture(25, 25)
    K = torch.tensor([[30.0, 0, 12], [0, 30, 12], [0, 0, 1]], dtype=torch.float64)
    depth = torch.full((1, 1, 25, 25), 2.0, dtype=torch.float64)
    T = rigid_transform(double(0.0, 0.0, math.pi / 2), double(0.0, 0.0, 0.0))
    # x -> y: the right edge of the target is the bottom edge of the source.
    torch.testing.assert_close(warp(image, depth, K, T).image, image.rot90(1, (2, 3)))
