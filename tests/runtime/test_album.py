# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import numpy as np
import pytest

from jasmine_core.runtime.album import Album

SECOND = 10**9
IMAGE = np.zeros((8, 16, 3), np.uint8)


def album(depths, start: int = 0) -> Album:
    """Return an album of images with constant depths, one per second."""
    filled = Album(start)
    for index, depth in enumerate(depths):
        show = index == 1
        filled.add(index * SECOND, IMAGE, np.full((4, 8), depth, np.float32), 0.01, show)
    return filled


def test_charts_have_depth_and_latency_of_each_image_and_the_skipped_ones():
    filled = album((1, 2, 4), start=-SECOND)
    filled.skip(7 * SECOND // 2)
    depth, latency = filled.charts("m")
    assert "[m]" in depth.title
    assert list(depth.series[0].x) == [1, 2, 3] and list(depth.series[0].y) == [1, 2, 4]
    assert list(latency.series[0].y) == pytest.approx([10, 10, 10])
    assert list(depth.marks) == list(latency.marks) == [4.5]


def test_band_of_depth_has_80_percent_of_the_pixels():
    filled = Album(0)
    filled.add(0, IMAGE, np.arange(1, 101, dtype=np.float32).reshape(10, 10), 0.01)
    (series,) = filled.charts("m")[0].series
    assert (series.low[0], series.high[0]) == pytest.approx((10.9, 90.1))


def test_only_chosen_images_get_a_slider():
    (slider,) = album((1, 1, 1)).sliders
    assert slider.caption == "1.00 s"
    assert slider.left.startswith("data:image/jpeg") and slider.left != slider.right


def test_largest_changes_of_depth_are_kept_in_order():
    captions = [slider.caption for slider in album((1, 1.1, 2.2, 2.2, 0.55, 0.6)).jumps]
    assert captions == [
        "4.00 s: the median depth changed by 300%",
        "2.00 s: the median depth changed by 100%",
        "1.00 s: the median depth changed by 10%",
    ]


def test_images_without_depth_interrupt_the_curve():
    filled = album((1, np.nan, 3))
    assert np.isnan(filled.charts("m")[0].series[0].y[1])
    assert filled.jumps == []


def test_album_without_images_has_no_charts():
    assert Album(0).charts("m") == ()
