# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Image transforms: images, depth and K remain consistent.

A slanted wall with a smooth pattern in metres is rendered by evaluating its equation at every pixel
centre, so that the image of a transformed camera can be compared with the transformed image.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from jasmine_core.errors import CameraError
from jasmine_core.geometry.camera import (
    Camera,
    ImageTransform,
    Window,
    crop,
    fit,
    network_size,
    stretch,
)

NORMAL = np.array([0.3, -0.2, 1.0]) / np.linalg.norm([0.3, -0.2, 1.0])  # of the wall
DISTANCE = 5.0  # [m] from the camera along the normal
ACROSS = np.cross(NORMAL, [0, 1, 0]) / np.linalg.norm(np.cross(NORMAL, [0, 1, 0]))
ALONG = np.cross(NORMAL, ACROSS)

LEVELS = 2.5  # of 255: tolerance for rounding and interpolation
RELATIVE = 5e-5  # relative tolerance for interpolated depth


def camera_of(width: int, height: int) -> Camera:
    """Return a camera with different f_x and f_y, and a principal point off the centre."""
    side = max(width, height)
    K = [[0.62 * side, 0, 0.47 * width], [0, 0.66 * side, 0.55 * height], [0, 0, 1]]
    return Camera(width, height, np.array(K))


def shifted(camera: Camera, dx: float, dy: float) -> Camera:
    return Camera(*camera.size, camera.K + np.array([[0, 0, dx], [0, 0, dy], [0, 0, 0]]))


def render_depth(camera: Camera) -> np.ndarray:
    """Return the depth [H,W] of the wall, in metres along +Z."""
    u, v = np.meshgrid(np.arange(camera.width), np.arange(camera.height))
    x = (u - camera.K[0, 2]) / camera.K[0, 0]
    y = (v - camera.K[1, 2]) / camera.K[1, 1]
    return DISTANCE / (NORMAL[0] * x + NORMAL[1] * y + NORMAL[2])


def render(camera: Camera, wavelength: float) -> np.ndarray:
    """Return the image [H,W,3] of a pattern of waves [m] on the wall, before rounding."""
    u, v = np.meshgrid(np.arange(camera.width), np.arange(camera.height))
    depth = render_depth(camera)
    points = np.stack(
        [
            depth * (u - camera.K[0, 2]) / camera.K[0, 0],
            depth * (v - camera.K[1, 2]) / camera.K[1, 1],
            depth,
        ],
        axis=-1,
    )
    a, b = (2 * np.pi / wavelength * (points @ axis) for axis in (ACROSS, ALONG))
    waves = [np.sin(a + channel) + np.sin(b - 2 * channel) for channel in range(3)]
    return 127.5 + 50 * np.stack(waves, axis=-1)


def wavelength_for(*cameras: Camera) -> float:
    """Return the wavelength [m] for which waves are at least 24 px long in each of the images."""
    coarsest = min(camera.K[axis, axis] for camera in cameras for axis in (0, 1))
    return 24 * render_depth(cameras[0]).max() / coarsest


def to_uint8(image: np.ndarray) -> np.ndarray:
    return np.rint(image).astype(np.uint8)


def interior(transform: ImageTransform) -> tuple[slice, slice]:
    """Return the target pixels whose values do not depend on the edge of the image."""
    margin = [max(1, int(np.ceil(s))) + 1 for s in transform.scale]
    w = transform.target_window
    return (
        slice(w.y + margin[1], w.y + w.height - margin[1]),
        slice(w.x + margin[0], w.x + w.width - margin[0]),
    )


CASES = [
    pytest.param(place, source, target, id=f"{place.__name__} {source} to {target}")
    for place, source, target in [
        (fit, (1242, 375), (448, 128)),  # shrink
        (fit, (375, 1242), (128, 448)),
        (fit, (641, 479), (256, 192)),  # odd sides
        (fit, (96, 71), (320, 256)),  # enlarge
        (fit, (320, 240), (320, 320)),  # only margins
        (stretch, (1242, 375), (1024, 320)),
        (stretch, (640, 480), (1024, 320)),  # wider and lower at once
        (stretch, (800, 600), (1024, 320)),
        (stretch, (90, 400), (128, 192)),
        (stretch, (200, 100), (512, 448)),  # enlarge
        (crop, (641, 479), (320, 128)),  # shrink
        (crop, (1242, 375), (192, 192)),
        (crop, (157, 211), (448, 128)),  # enlarge
        (crop, (321, 241), (192, 128)),
    ]
]


@pytest.mark.parametrize(("place", "source", "target"), CASES)
def test_transformed_image_agrees_with_the_transformed_camera(place, source, target):
    camera, transform = camera_of(*source), place(source, target)
    after = transform.camera(camera)
    assert after.size == target
    wavelength = wavelength_for(camera, after)
    image = transform.image(to_uint8(render(camera, wavelength)))
    assert image.dtype == np.uint8 and image.shape == (target[1], target[0], 3)

    inside = interior(transform)
    assert image[inside].size > image[transform.target_window.slices].size / 2

    def error(seen_by: Camera) -> float:
        return float(np.abs(image[inside] - render(seen_by, wavelength)[inside]).max())

    assert error(after) < LEVELS
    # The tolerance is small enough to detect half a pixel of the coarser image, in x and in y.
    half = 0.5 * np.maximum(transform.scale, 1)
    assert error(shifted(after, half[0], 0)) > 2 * LEVELS
    assert error(shifted(after, 0, -half[1])) > 2 * LEVELS


def test_comparison_detects_a_missing_half_pixel_term():
    source, target = (1242, 375), (414, 125)
    camera, transform = camera_of(*source), stretch((1242, 375), (414, 125))
    after = transform.camera(camera)
    naive = Camera(*target, np.diag([1 / 3, 1 / 3, 1]) @ camera.K)
    wavelength = wavelength_for(camera, after)
    image = transform.image(to_uint8(render(camera, wavelength)))
    inside = interior(transform)
    errors = [np.abs(image - render(c, wavelength))[inside].max() for c in (after, naive)]
    assert errors[0] < LEVELS < 2 * LEVELS < errors[1]


@pytest.mark.parametrize(("place", "source", "target"), CASES)
def test_inverse_transform_returns_depth_to_its_pixels(place, source, target):
    camera, transform = camera_of(*source), place(source, target)
    back = transform.inverse()
    small = render_depth(transform.camera(camera)).astype(np.float32)
    depth = back.map(small)
    assert depth.dtype == np.float32 and depth.shape == source[::-1]

    # Exactly the pixels outside the network's image are unknown.
    seen = np.zeros(depth.shape, bool)
    seen[transform.source_window.slices] = True
    np.testing.assert_array_equal(np.isfinite(depth), seen)

    inside = interior(back)

    def error(seen_by: Camera) -> float:
        expected = render_depth(seen_by)[inside]
        return float(np.abs(depth[inside] / expected - 1).max())

    assert error(camera) < RELATIVE
    half = 0.5 / np.minimum(transform.scale, 1)
    assert error(shifted(camera, half[0], 0)) > 3 * RELATIVE
    assert error(shifted(camera, 0, half[1])) > 3 * RELATIVE


@pytest.mark.parametrize(("place", "source", "target"), CASES)
def test_constant_depth_is_unchanged(place, source, target):
    transform = place(source, target)
    depth = transform.inverse().map(np.full(target[::-1], 7.3, np.float32))
    np.testing.assert_allclose(depth[np.isfinite(depth)], 7.3, rtol=1e-6)
    forth = transform.map(np.full(source[::-1], 7.3, np.float32))
    np.testing.assert_allclose(forth[np.isfinite(forth)], 7.3, rtol=1e-6)
    assert np.isfinite(forth).sum() == np.prod(transform.target_window[2:])


def test_margins_repeat_the_nearest_edge():
    image = to_uint8(render(camera_of(96, 40), 0.5))
    transform = fit((96, 40), (128, 128))
    result, w = transform.image(image), transform.target_window
    inner = result[w.slices]
    assert (w.x, w.width) == (0, 128) and w.y > 30
    np.testing.assert_array_equal(result[: w.y], np.broadcast_to(inner[0], (w.y, 128, 3)))
    below = 128 - w.y - w.height
    np.testing.assert_array_equal(
        result[w.y + w.height :], np.broadcast_to(inner[-1], (below, 128, 3))
    )
    mask = np.isfinite(transform.map(np.ones((40, 96), np.float32)))
    assert mask[w.slices].all() and mask.sum() == w.width * w.height


def test_strong_reduction_averages_thin_structures():
    image = np.zeros((512, 512, 3), np.uint8)
    image[:, ::8] = 240  # lines one pixel wide
    small = stretch((512, 512), (64, 64)).image(image)
    np.testing.assert_allclose(small, 30, atol=1)  # the mean of lines and background


def test_grey_images_and_equal_sizes_are_accepted():
    image = np.arange(12, dtype=np.uint8).reshape(3, 4)
    np.testing.assert_array_equal(fit((4, 3), (4, 3)).image(image), image)
    assert fit((4, 3), (8, 6)).image(image).shape == (6, 8)


# ---------------------------------------------------------------------------- any image size

sizes = st.tuples(st.integers(1, 3000), st.integers(1, 3000))
places = st.sampled_from([fit, stretch, crop])


@given(places, sizes, sizes)
def test_transform_and_inverse_give_the_identity(place, source, target):
    transform = place(source, target)
    assert transform.inverse().inverse() == transform
    assert transform.source == source and transform.target == target
    product = transform.inverse().matrix() @ transform.matrix()
    np.testing.assert_allclose(product, np.eye(3), atol=1e-9 * max(source + target))


@given(places, sizes, sizes)
def test_windows_are_inside_their_images_and_their_corners_correspond(place, source, target):
    transform = place(source, target)
    for window, size in ((transform.source_window, source), (transform.target_window, target)):
        assert window.x >= 0 and window.y >= 0 and min(window[2:]) >= 1
        assert window.x + window.width <= size[0] and window.y + window.height <= size[1]

    def corners(w: Window) -> np.ndarray:  # half a pixel beyond the integer pixel centres
        low, high = np.array(w[:2]) - 0.5, np.array(w[:2]) + w[2:] - 0.5
        return np.array([[*low, 1], [*high, 1]])

    mapped = corners(transform.source_window) @ transform.matrix().T
    np.testing.assert_allclose(mapped, corners(transform.target_window), atol=1e-6)


@given(sizes, sizes)
def test_fit_contains_the_whole_image_with_its_aspect_ratio(source, target):
    transform = fit(source, target)
    w = transform.target_window
    assert transform.source_window == (0, 0, *source)
    assert w.width == target[0] or w.height == target[1]
    scale = min(target[0] / source[0], target[1] / source[1])
    for side, original in zip(w[2:], source, strict=True):
        assert abs(side - scale * original) <= 0.5 + 1e-9 or side == 1
    for low, side, whole in zip(w[:2], w[2:], target, strict=True):
        assert 0 <= (whole - side - low) - low <= 1  # centred


@given(sizes, sizes)
def test_crop_is_the_largest_part_with_the_aspect_ratio_of_the_target(source, target):
    transform = crop(source, target)
    w = transform.source_window
    assert transform.target_window == (0, 0, *target)
    assert w.width == source[0] or w.height == source[1]
    scale = min(source[0] / target[0], source[1] / target[1])
    for side, original in zip(w[2:], target, strict=True):
        assert abs(side - scale * original) <= 0.5 + 1e-9 or side == 1


@given(st.tuples(st.integers(40, 4000), st.integers(40, 4000)), st.sampled_from([32, 64]))
def test_network_size_keeps_aspect_and_area_in_multiples(source, multiple):
    assume(max(source) < 6 * min(source))
    for nominal in ((1024, 320), (384, 128)):
        size = network_size(source, nominal, multiple)
        assert all(side > 0 and side % multiple == 0 for side in size)
        scale = (nominal[0] * nominal[1] / (source[0] * source[1])) ** 0.5
        for side, original in zip(size, source, strict=True):
            assert abs(side - scale * original) <= multiple / 2 + 1e-6 or side == multiple
        # Less than half of a letterbox of this size is margin.
        inner = fit(source, size).target_window
        assert inner.width * inner.height > 0.5 * size[0] * size[1]
        # A rotated image gets the rotated size, and the nominal size is mapped to itself.
        assert network_size(source[::-1], nominal, multiple) == size[::-1]
        assert network_size(nominal, nominal, multiple) == nominal


@given(sizes)
def test_network_size_is_at_least_one_multiple(source):
    assert min(network_size(source, (384, 128))) >= 64


# ---------------------------------------------------------------------------- cameras


def test_rays_go_through_pixel_centres_to_a_depth_of_one_metre():
    camera = camera_of(9, 7)
    rays = camera.rays()
    assert rays.shape == (7, 9, 3)
    np.testing.assert_allclose(rays[..., 2], 1)
    pixels = rays @ camera.K.T
    u, v = np.meshgrid(np.arange(9), np.arange(7))
    np.testing.assert_allclose(pixels[..., 0], u, atol=1e-9)
    np.testing.assert_allclose(pixels[..., 1], v, atol=1e-9)
    assert rays[6, 8, 0] > 0 and rays[6, 8, 1] > 0  # right and down are positive


def test_transform_refuses_other_image_sizes():
    transform = fit((640, 480), (320, 256))
    with pytest.raises(CameraError, match=r"camera has 641x480 px, .* 640x480 px"):
        transform.camera(camera_of(641, 480))
    with pytest.raises(CameraError, match=r"image has 480x640 px, .* 640x480 px"):
        transform.image(np.zeros((640, 480, 3), np.uint8))
    with pytest.raises(CameraError, match=r"image has 640x481 px"):
        transform.map(np.zeros((481, 640), np.float32))
