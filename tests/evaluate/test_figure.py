# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Figure of an evaluation, checked in the pixels of its PNG."""

from __future__ import annotations

import cv2
import numpy as np

from jasmine_core.evaluate.figure import (
    GAP,
    LINE,
    MARGIN,
    TILE,
    TITLE,
    UNKNOWN,
    Exhibit,
    draw_figure,
)

GREY = int(UNKNOWN[1:3], 16)
INPUT, PREDICTION, GROUND_TRUTH, ERROR = (0, 0), (0, 1), (1, 0), (1, 1)


def exhibit(depth_error=0.0, keep=1.0):
    ground_truth = np.tile(np.linspace(40, 4, 60)[:, None], (1, 120))
    image = np.zeros((30, 60, 3), np.uint8)
    image[..., 0] = 200  # red
    depth = ground_truth * (1 + depth_error)
    hidden = np.random.default_rng(0).random(ground_truth.shape) >= keep
    return Exhibit("best: frame 7", image, depth, np.where(hidden, 0, ground_truth))


def drawn(exhibits, tmp_path):
    assert draw_figure(exhibits, tmp_path / "figure.png")
    return cv2.imread(str(tmp_path / "figure.png"))[..., ::-1]


def panel(page, place):
    """Return one panel of the first frame without its border of three pixels."""
    row, column = place
    height = round(TILE / 2)
    left = MARGIN + column * (TILE + GAP)
    top = MARGIN + TITLE + row * (LINE + height) + LINE - 4
    return page[top + 3 : top + height - 9, left + 3 : left + TILE - 3].astype(int)


def test_figure_has_two_rows_of_panels_for_each_frame(tmp_path):
    one, three = (drawn([exhibit()] * n, tmp_path) for n in (1, 3))
    assert one.shape[1] == three.shape[1] >= 1200
    assert three.shape[0] - MARGIN == 3 * (one.shape[0] - MARGIN)
    assert one.shape[0] > 2 * TILE // 2


def test_figure_shows_image_depth_ground_truth_and_error(tmp_path):
    page = drawn([exhibit()], tmp_path)
    assert (panel(page, INPUT) == (200, 0, 0)).all()
    np.testing.assert_array_equal(panel(page, PREDICTION), panel(page, GROUND_TRUTH))
    brightness = panel(page, GROUND_TRUTH).sum(axis=(1, 2))
    assert brightness[-1] > 2 * brightness[0]  # near is bright
    assert np.ptp(panel(page, ERROR).reshape(-1, 3), axis=0).max() == 0
    wrong = panel(drawn([exhibit(depth_error=0.3)], tmp_path), ERROR)
    assert wrong.mean() > panel(page, ERROR).mean() + 20


def test_unknown_ground_truth_is_grey_and_sparse_ground_truth_is_visible(tmp_path):
    def grey(keep):
        shown = panel(drawn([exhibit(keep=keep)], tmp_path), GROUND_TRUTH)
        return (shown == GREY).all(axis=-1).mean()

    assert grey(1.0) == 0
    assert grey(0.0) == 1
    assert 0.3 < grey(0.04) < 0.9  # 0.96 if the dots did not grow


def test_overlapping_dots_show_the_nearest_depth(tmp_path):
    def centre(depths):
        ground_truth = np.zeros((60, 120))
        ground_truth[30, 60:62] = depths
        ground_truth[0, 0], ground_truth[59, 119] = 2.0, 50.0  # the range of the scale
        shown = panel(drawn([exhibit()._replace(ground_truth=ground_truth)], tmp_path), (1, 0))
        height, width, _ = shown.shape
        return shown[int(height * 30.5 / 60), [int(width * 60.5 / 120), int(width * 61.5 / 120)]]

    colours = centre((4.0, 40.0))
    np.testing.assert_array_equal(colours[0], colours[1])
    np.testing.assert_array_equal(colours[0], centre((40.0, 4.0))[0])
    assert colours[0].sum() > 2 * centre((40.0, 40.0))[0].sum()


def test_unknown_prediction_is_grey(tmp_path):
    whole = exhibit()
    depth = whole.depth.copy()
    depth[:, :60] = np.nan  # a letterbox margin
    unseen = np.where(np.isnan(depth), 0, whole.ground_truth)
    page = drawn([whole._replace(depth=depth, ground_truth=unseen)], tmp_path)
    grey = (panel(page, PREDICTION) == GREY).all(axis=-1)
    middle = grey.shape[1] // 2
    assert grey[:, : middle - 5].all()
    assert not grey[:, middle + 5 :].any()


def test_depth_of_zero_is_drawn_as_near(tmp_path):
    whole = exhibit()
    page = drawn([whole._replace(depth=np.zeros_like(whole.depth))], tmp_path)
    nearest = panel(page, GROUND_TRUTH)[-1, 0]
    assert np.abs(panel(page, PREDICTION) - nearest).max() <= 2


def test_a_frame_at_a_single_depth_is_drawn(tmp_path):
    wall = np.full((20, 40), 3.0)
    page = drawn([Exhibit("wall", np.zeros((20, 40, 3), np.uint8), wall, wall)], tmp_path)
    assert np.ptp(panel(page, GROUND_TRUTH).reshape(-1, 3), axis=0).max() == 0
