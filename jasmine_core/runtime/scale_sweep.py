# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Scale of each pixel of a depth map, from the image of a camera that has moved.

A pixel u of image a with the depth d lies, for a scale s [m/unit], in image b at

    u_b(s) ~ K_b (R K_a^-1 u s d(u) + t)        R, t: motion T_b_a in metres

and its scale is the one whose place in b looks most like u. This is a plane sweep, in which the
depth map at one scale takes the place of a plane:

    c(u, s) = mean over a window of |N_b(u_b(s)) - N_a(u)|        s*(u) = argmin_s c(u, s)

where N is an image of even local contrast. In contrast to tracked corners, this compares nearly all
pixels with texture, roads and walls among them.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from jasmine_core.geometry.carry import Map
from jasmine_core.geometry.points import Depth
from jasmine_core.geometry.rigid import Array
from jasmine_core.prepare.optical_flow import Grey, View

_PIXELS = 8000  # number of pixels of a that are compared, on a regular grid
_WINDOW = 5  # side of the window, in compared pixels
_SCALES = 11  # number of scales that are tried
RANGE = 0.5  # their largest logarithmic distance from the given one
_BLUR = 3.0  # [px] standard deviation of the neighbourhood whose contrast is evened
_CONTRAST = 40.0  # grey levels of the standard deviation of an even image
_TEXTURE = 3.0  # grey levels of the least standard deviation of a neighbourhood
_DIFFERENCE = 20.0  # grey levels of even images by which the best place may differ
_UNIQUE, _ELSEWHERE = 3.0, 0.25  # grey levels that scales at this logarithmic distance are worse by
_OUTSIDE = 100.0  # cost [grey levels] of a place outside of image b
PARALLAX = 1.5  # [px] least parallax, as the change of the place with the logarithm of the scale
_SHARE = 0.05  # least share of usable pixels; fewer can agree by chance
_LEAST = np.float32(1e-3)  # [m] least depth in b, so that no point is behind the camera


class PixelScales(NamedTuple):
    """Scales of the pixels of a regular grid of the image."""

    log_scale: Map  # [h,w] ln of metres per unit, NaN where it is unknown
    parallax: Map  # [h,w] px


def sweep(a: View, b: View, depth: Depth, T_b_a: Array, log_scale: float) -> PixelScales:
    """Measure the scale of the pixels of image a; all unknown if too few can be compared.

    Args:
        a: image of the depth.
        b: image before or after it, of the same size.
        depth: depth [H,W] of a in model units, NaN where unknown.
        T_b_a: motion [4,4] in metres.
        log_scale: ln of the metres per unit around which is searched.
    """
    # 1. Images of even contrast, and a grid [h,w] of the pixels of a.
    height, width = a.grey.shape
    stride = max(1, round(math.sqrt(height * width / _PIXELS)))
    part = np.s_[stride // 2 :: stride, stride // 2 :: stride]
    even_a, variance = _even(a.even)
    even_b, _ = _even(b.even)
    target = np.ascontiguousarray(even_a[part])  # [h,w]
    known = np.isfinite(depth[part]) & (depth[part] > 0)
    units = np.where(known, depth[part], 1).astype(np.float32)

    # 2. The ray of each pixel, in the frame of b and multiplied by its K.
    H = (b.camera.K @ T_b_a[:3, :3] @ np.linalg.inv(a.camera.K)).astype(np.float32)
    t = (b.camera.K @ T_b_a[:3, 3]).astype(np.float32)
    u = np.arange(width, dtype=np.float32)[part[1]][None]
    v = np.arange(height, dtype=np.float32)[part[0]][:, None]
    rays = [(H[i, 0] * u + (H[i, 1] * v + H[i, 2])) * units for i in range(3)]  # [h,w] each

    # 3. The place in b and its difference from a, for each scale.
    scales = log_scale + np.linspace(-RANGE, RANGE, _SCALES)
    step = 2 * RANGE / (_SCALES - 1)
    cost, places_u, places_v = np.empty((3, _SCALES, *target.shape), np.float32)
    for i, s in enumerate(np.exp(scales).astype(np.float32)):
        near = 1 / np.maximum(s * rays[2] + t[2], _LEAST)
        pu = places_u[i] = (s * rays[0] + t[0]) * near
        pv = places_v[i] = (s * rays[1] + t[1]) * near
        seen = cv2.remap(even_b, pu, pv, cv2.INTER_LINEAR)
        cost[i] = cv2.boxFilter(cv2.absdiff(seen, target), cv2.CV_32F, (_WINDOW, _WINDOW))
        cost[i][(pu < 0) | (pv < 0) | (pu > width - 1) | (pv > height - 1)] = _OUTSIDE

    # 4. The best scale, between the three around it.
    best = np.clip(cost.argmin(0), 1, _SCALES - 2)[None]
    c0, c1, c2 = (np.take_along_axis(cost, best + k, 0)[0] for k in (-1, 0, 1))
    slope = np.maximum(np.maximum(c0, c2) - c1, 1e-6)  # of a V with equal sides
    found = scales[best[0]] + step * np.clip((c0 - c2) / (2 * slope), -1, 1)
    parallax = np.hypot(*(_change(places, best) for places in (places_u, places_v))) / (2 * step)

    # 5. Only clear minima of pixels with texture and parallax count.
    far = np.abs(np.arange(_SCALES)[:, None, None] - best) * step > _ELSEWHERE
    other = np.where(far, cost, _OUTSIDE).min(0)
    clear = (c1 <= np.minimum(c0, c2)) & (c1 < _DIFFERENCE) & (other - c1 > _UNIQUE)
    usable = known & clear & (variance[part] > _TEXTURE**2) & (parallax > PARALLAX)
    if a.allowed is not None:
        usable &= a.allowed[part] > 0
    if usable.mean() < _SHARE:
        usable[:] = False
    log_scales = np.where(usable, found, np.nan)
    return PixelScales(log_scales.astype(np.float32), parallax.astype(np.float32))


def _even(grey: Grey) -> tuple[Grey, Map]:
    """Return an image [h,w] of even local contrast, and the variance around each of its pixels."""
    levels = grey.astype(np.float32)
    mean = cv2.GaussianBlur(levels, (0, 0), _BLUR)
    variance = cv2.GaussianBlur(levels * levels, (0, 0), _BLUR) - mean * mean
    scaled = (levels - mean) * (_CONTRAST / np.sqrt(np.maximum(variance, 16))) + 128
    return np.clip(scaled, 0, 255).astype(np.uint8), np.asarray(variance, np.float32)


def _change(places: Map, best: NDArray[np.intp]) -> Map:
    """Return the change [px] of places [S,h,w] between the scales around the best one."""
    after, before = (np.take_along_axis(places, best + k, 0)[0] for k in (1, -1))
    return np.asarray(after - before, np.float32)
