# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Removal of lens distortion that is simulated by the published equations of the lens models.

A wall with a smooth pattern is rendered analytically for the distorted camera, and for the pinhole
camera of P and R. Rectification of the first image must give the second.
"""

from __future__ import annotations

import numpy as np
import pytest

from jasmine_core.errors import CameraError
from jasmine_core.geometry.camera import Calibration, Rectifier

WIDTH, HEIGHT = 320, 200
K = np.array([[190.0, 0, 151], [0, 184, 107], [0, 0, 1]])
LEVELS = 3.0  # of 255: tolerance for rounding and interpolation


# ---------------------------------------------------------------------------- lens models


def brown_conrady(x, y, D):
    """Camera model of OpenCV, `plumb_bob` and `rational_polynomial`.

    D is k1 k2 p1 p2 [k3 [k4 k5 k6 [s1 s2 s3 s4 [tau_x tau_y]]]].
    """
    k1, k2, p1, p2, k3, k4, k5, k6, s1, s2, s3, s4, tau_x, tau_y = [*D, *[0] * (14 - len(D))]
    r2 = x**2 + y**2
    radial = (1 + k1 * r2 + k2 * r2**2 + k3 * r2**3) / (1 + k4 * r2 + k5 * r2**2 + k6 * r2**3)
    a = x * radial + 2 * p1 * x * y + p2 * (r2 + 2 * x**2) + s1 * r2 + s2 * r2**2
    b = y * radial + p1 * (r2 + 2 * y**2) + 2 * p2 * x * y + s3 * r2 + s4 * r2**2
    # The tilted sensor: rotate, then project along the optical axis onto its plane.
    cx, sx, cy, sy = np.cos(tau_x), np.sin(tau_x), np.cos(tau_y), np.sin(tau_y)
    R = np.array([[cy, 0, -sy], [0, 1, 0], [sy, 0, cy]]) @ [[1, 0, 0], [0, cx, sx], [0, -sx, cx]]
    onto = np.array([[R[2, 2], 0, -R[0, 2]], [0, R[2, 2], -R[1, 2]], [0, 0, 1]])
    p, q, s = np.einsum("ij,j...->i...", onto @ R, np.stack([a, b, np.ones_like(a)]))
    return p / s, q / s


def kannala_brandt(x, y, D):
    """Fisheye model `equidistant`: theta_d = theta (1 + k1 theta^2 + ... + k4 theta^8)."""
    r = np.hypot(x, y)
    theta = np.arctan(r)
    distorted = theta * (1 + sum(k * theta ** (2 * i + 2) for i, k in enumerate(D)))
    factor = np.where(r > 1e-12, distorted / np.maximum(r, 1e-12), 1)
    return x * factor, y * factor


MODELS = {
    "plumb_bob": brown_conrady,
    "rational_polynomial": brown_conrady,
    "equidistant": kannala_brandt,
}


def undistort(model, D, a, b):
    """Invert a lens model by Newton's method, and check the result."""
    x, y, step = a.copy(), b.copy(), 1e-6
    for _ in range(30):
        p, q = model(x, y, D)
        px, qx = model(x + step, y, D)
        py, qy = model(x, y + step, D)
        j11, j12, j21, j22 = (px - p) / step, (py - p) / step, (qx - q) / step, (qy - q) / step
        det = j11 * j22 - j12 * j21
        x -= (j22 * (p - a) - j12 * (q - b)) / det
        y -= (j11 * (q - b) - j21 * (p - a)) / det
    p, q = model(x, y, D)
    assert max(np.abs(p - a).max(), np.abs(q - b).max()) < 1e-9
    return x, y


# ---------------------------------------------------------------------------- scene

NORMAL = np.array([0.2, -0.15, 1.0])
WAVE = 1.4  # [m] on a wall some 5 m away


def pattern(rays: np.ndarray) -> np.ndarray:
    """Return the colours [H,W,3], 0..255, of the wall n X = 5 on rays [H,W,3] of the raw camera."""
    points = rays * (5 / (rays @ NORMAL))[..., None]
    a, b = 2 * np.pi / WAVE * points[..., 0], 2 * np.pi / WAVE * points[..., 1]
    waves = [np.sin(a + channel) + np.sin(b - 2 * channel) for channel in range(3)]
    return 127.5 + 50 * np.stack(waves, axis=-1)


def grid(width=WIDTH, height=HEIGHT) -> tuple[np.ndarray, np.ndarray]:
    u, v = np.meshgrid(np.arange(float(width)), np.arange(float(height)))
    return u, v


def raw_image(c: Calibration) -> np.ndarray:
    """Render the distorted image."""
    u, v = grid(c.width, c.height)
    a, b = (u - c.K[0, 2]) / c.K[0, 0], (v - c.K[1, 2]) / c.K[1, 1]
    x, y = undistort(MODELS[c.distortion_model], c.D, a, b)
    return np.rint(pattern(np.stack([x, y, np.ones_like(x)], -1))).astype(np.uint8)


def rectified_rays(c: Calibration, shift=(0.0, 0.0)) -> np.ndarray:
    """Return the rays [H,W,3] of the rectified pixels in the frame of the raw camera."""
    u, v = grid(c.width, c.height)
    P = c.P[:, :3]
    x, y = (u + shift[0] - P[0, 2]) / P[0, 0], (v + shift[1] - P[1, 2]) / P[1, 1]
    return np.stack([x, y, np.ones_like(x)], -1) @ c.R  # R takes raw to rectified: this is R^T r


def where_seen(c: Calibration) -> tuple[np.ndarray, np.ndarray]:
    """Return the raw pixel coordinates of each rectified pixel."""
    rays = rectified_rays(c)
    x, y = rays[..., 0] / rays[..., 2], rays[..., 1] / rays[..., 2]
    a, b = MODELS[c.distortion_model](x, y, c.D)
    return c.K[0, 0] * a + c.K[0, 2], c.K[1, 1] * b + c.K[1, 2]


def rotation(yaw: float, pitch: float, roll: float) -> np.ndarray:
    (a, b, c), (p, q, r) = np.cos([yaw, pitch, roll]), np.sin([yaw, pitch, roll])
    turns = ([[a, 0, p], [0, 1, 0], [-p, 0, a]], [[1, 0, 0], [0, b, -q], [0, q, b]])
    return np.array(turns[0]) @ turns[1] @ [[c, -r, 0], [r, c, 0], [0, 0, 1]]


def calibration(model="plumb_bob", D=(0.0,) * 5, R=None, P=None, **changes) -> Calibration:
    P = np.column_stack([K, np.zeros(3)]) if P is None else np.asarray(P, float)
    values = {
        "width": WIDTH,
        "height": HEIGHT,
        "K": K,
        "D": np.array(D, float),
        "distortion_model": model,
        "R": np.eye(3) if R is None else R,
        "P": P,
    }
    return Calibration(**(values | changes))


PLUMB_BOB = (-0.28, 0.07, 1.2e-3, -8e-4, 0.004)
RATIONAL = (0.35, 0.06, 9e-4, -6e-4, 0.01, 0.62, 0.17, 0.02)
PRISM = (2e-3, -1e-3, -2e-3, 5e-4)
TILT = (0.02, -0.015)
FISHEYE = (-0.03, 0.012, -0.006, 0.001)
TURNED = rotation(0.03, -0.02, 0.04)
OTHER = [[165.0, 0, 158, -12.5], [0, 171, 96, 0], [0, 0, 1, 0]]  # P of a stereo camera, with Tx

LENSES = [
    pytest.param(model, D, id=f"{model} {len(D)}")
    for model, D in [
        ("plumb_bob", PLUMB_BOB),
        ("plumb_bob", PLUMB_BOB[:4]),
        ("rational_polynomial", RATIONAL),
        ("rational_polynomial", RATIONAL + PRISM),
        ("rational_polynomial", RATIONAL + PRISM + TILT),
        ("equidistant", FISHEYE),
    ]
]


@pytest.mark.parametrize(("model", "D"), LENSES)
@pytest.mark.parametrize("R", [None, TURNED], ids=["straight", "turned"])
@pytest.mark.parametrize("P", [None, OTHER], ids=["P is K", "P other"])
def test_rectified_image_equals_that_of_the_pinhole_camera(model, D, R, P):
    c = calibration(model, D, R, P)
    assert c.distorted and c.needs_rectification()
    raw = raw_image(c)
    rectifier = Rectifier(c)
    image = rectifier(raw)
    assert image.shape == raw.shape and image.dtype == np.uint8
    np.testing.assert_array_equal(rectifier.camera.K, c.P[:, :3])
    assert rectifier.camera.size == (WIDTH, HEIGHT)

    u, v = where_seen(c)
    inside = (u > 1) & (u < WIDTH - 2) & (v > 1) & (v < HEIGHT - 2)
    assert inside.mean() > 0.6

    def error(shift) -> np.ndarray:
        return np.abs(image - pattern(rectified_rays(c, shift)))[inside]

    assert error((0, 0)).max() < LEVELS and error((0, 0)).mean() < 0.4
    for half in ((0.5, 0), (0, 0.5)):  # a shift of half a pixel is detected
        assert error(half).max() > 1.5 * LEVELS and error(half).mean() > 1.5
    # The distortion is detected as well: it moves the pattern by several pixels.
    assert np.abs(raw - pattern(rectified_rays(c)))[inside].max() > 20


@pytest.mark.parametrize(("model", "D"), LENSES)
@pytest.mark.parametrize("R", [None, rotation(0.2, 0.1, 0.1)], ids=["straight", "turned"])
def test_valid_pixels_are_those_in_the_raw_image(model, D, R):
    wide = [[90.0, 0, 155, 0], [0, 90, 101, 0], [0, 0, 1, 0]]
    c = calibration(model, D, R, wide)
    u, v = where_seen(c)
    expected = (u >= -0.5) & (u <= WIDTH - 0.5) & (v >= -0.5) & (v <= HEIGHT - 0.5)
    border = np.minimum.reduce(
        [np.abs(u + 0.5), np.abs(u - WIDTH + 0.5), np.abs(v + 0.5), np.abs(v - HEIGHT + 0.5)]
    )
    valid = Rectifier(c).valid
    # A lens model is not valid beyond the radius where its polynomial folds back.
    rays = rectified_rays(c)
    radius = np.hypot(rays[..., 0], rays[..., 1]) / rays[..., 2]
    true = radius < turning_radius(MODELS[model], D)
    sure = (border > 0.01) & (np.abs(radius - turning_radius(MODELS[model], D)) > 0.03)
    assert valid.shape == (HEIGHT, WIDTH) and valid.dtype == bool
    np.testing.assert_array_equal(valid[sure], (expected & true)[sure])
    assert 0.1 < valid.mean() < 0.95


def turning_radius(model, D) -> float:
    """Return the radius, at Z = 1, at which the lens model folds back."""
    radius = np.linspace(0, 6, 60_001)
    out = model(radius, np.zeros_like(radius), [*D[:2], 0, 0, *D[4:8]] if len(D) != 4 else D)[0]
    falling = np.flatnonzero(np.diff(out) <= 0)
    return float(radius[falling[0]]) if falling.size else np.inf


def test_pixels_where_the_lens_model_folds_back_are_not_valid():
    # r (1 - 0.3 r^2) increases up to r = 1.05 and then decreases, so that the corners of a
    # wide-angle image are mapped into the image again.
    wide = [[60.0, 0, 155, 0], [0, 60, 101, 0], [0, 0, 1, 0]]
    c = calibration("plumb_bob", (-0.3, 0, 0, 0, 0), P=wide)
    rays = rectified_rays(c)
    radius = np.hypot(rays[..., 0], rays[..., 1])
    u, v = where_seen(c)
    ghosts = (radius > 1.1) & (u > 0) & (u < WIDTH - 1) & (v > 0) & (v < HEIGHT - 1)
    assert ghosts.sum() > 500
    valid = Rectifier(c).valid
    assert not valid[ghosts].any()
    assert valid[radius < 0.5].all()


def test_image_without_distortion_is_unchanged():
    c = calibration()
    image = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
    rectifier = Rectifier(c)
    np.testing.assert_array_equal(rectifier(image), image)
    assert rectifier.valid.all()


# ---------------------------------------------------------------------------- need


def test_need_for_rectification():
    assert not calibration().needs_rectification()
    assert not calibration(D=()).needs_rectification()
    assert not calibration("", ()).needs_rectification()  # a driver that sets no distortion
    assert not calibration(R=np.zeros((3, 3))).needs_rectification()  # R was never set
    assert not calibration(P=np.zeros((3, 4))).needs_rectification()  # P was never set
    assert not calibration(P=np.column_stack([K, [-40, 0, 0]])).needs_rectification()
    assert calibration(D=PLUMB_BOB).needs_rectification()
    assert calibration(R=TURNED).needs_rectification()
    assert calibration(R=rotation(0, 1e-3, 0)).needs_rectification()
    assert calibration(P=OTHER).needs_rectification()


def test_camera_of_the_rectified_image():
    np.testing.assert_array_equal(calibration(P=OTHER).rectified_camera.K, np.array(OTHER)[:, :3])
    np.testing.assert_array_equal(calibration(P=np.zeros((3, 4))).rectified_camera.K, K)


def test_rotation_without_distortion_is_removed():
    c = calibration(R=TURNED)
    image = Rectifier(c)(raw_image(c))
    u, v = where_seen(c)
    inside = (u > 1) & (u < WIDTH - 2) & (v > 1) & (v < HEIGHT - 2)
    assert np.abs(image - pattern(rectified_rays(c)))[inside].max() < LEVELS


# ---------------------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"K": np.zeros((3, 3))}, "not calibrated: fx = 0"),
        ({"K": np.diag([190.0, 0, 1])}, "fy = 0"),
        ({"K": np.diag([-190.0, 190, 1])}, "fx = -190"),
        ({"K": K * [[np.nan, 1, 1], [1, 1, 1], [1, 1, 1]]}, "fx = nan"),
        ({"K": K * [[1, 1, np.nan], [1, 1, 1], [1, 1, 1]]}, "not calibrated"),
        ({"K": K * [[np.inf, 1, 1], [1, 1, 1], [1, 1, 1]]}, "not calibrated"),
        ({"D": np.array([0.1, np.nan, 0, 0, 0])}, "D of the calibration .* not finite"),
        ({"R": np.full((3, 3), np.nan)}, "R of the calibration .* not finite"),
        ({"P": np.full((3, 4), np.nan)}, "P of the calibration .* not finite"),
        ({"P": np.array([[190.0, 0, 1, 0], [0, 0, 1, 0], [0, 0, 1, 0]])}, "P of .* has fy = 0"),
        ({"distortion_model": "fancy", "D": np.array([0.1])}, "'fancy'.*plumb_bob"),
        ({"distortion_model": "", "D": np.array([0.1, 0, 0, 0, 0])}, "''"),
        ({"D": np.array([0.1, 0.2])}, "plumb_bob has 4 or 5 or 8 .* D has 2"),
        ({"D": np.array([0.1] * 6)}, "D has 6"),
        ({"distortion_model": "equidistant", "D": np.array([0.1] * 5)}, "equidistant has 4 .* 5"),
        (
            {"distortion_model": "rational_polynomial", "D": np.array([0.1] * 13)},
            "8 or 12 or 14 .* D has 13",
        ),
    ],
)
def test_invalid_calibrations_are_refused(changes, words):
    with pytest.raises(CameraError, match=words):
        calibration(**changes)
