# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
import json
import sys

import cv2
import numpy as np
import pytest

from jasmine_core.train.curves import COLUMNS, HEIGHT, WIDTH, draw_curves


def write(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def line_of(panel):
    """Return the mean height [px] of a panel's curve in its left and in its right half."""
    blue, green, red = (panel[..., c].astype(int) for c in range(3))
    rows, columns = np.nonzero((blue - red > 60) & (blue - green > 40))
    left = columns < WIDTH / 2
    return rows[left].mean(), rows[~left].mean()


@pytest.mark.parametrize("sign", [1, -1])
def test_a_falling_loss_falls_in_the_image(tmp_path, sign):
    rows = [{"step": i, "total": sign * (100 - i), "data_wait": 0.1} for i in range(1, 90)]
    assert draw_curves(write(tmp_path / "log.jsonl", rows), tmp_path / "curves.png")
    image = cv2.imread(str(tmp_path / "curves.png"))
    assert image.shape == (HEIGHT, COLUMNS * WIDTH, 3)
    left, right = line_of(image[:, :WIDTH])
    assert (left < right) == (sign == 1), "rows count from the top"
    assert (image[:, WIDTH:] == 255).all(), "data_wait has no panel"


def test_a_missing_matplotlib_is_one_log_line(tmp_path, monkeypatch, caplog):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    rows = [{"step": i, "total": 1.0} for i in range(3)]
    assert not draw_curves(write(tmp_path / "log.jsonl", rows), tmp_path / "curves.png")
    assert len(caplog.messages) == 1
    assert "curves.png is not drawn" in caplog.messages[0]
    assert not (tmp_path / "curves.png").exists()


def test_an_empty_log_gives_no_image(tmp_path):
    assert not draw_curves(write(tmp_path / "log.jsonl", []), tmp_path / "curves.png")
    assert not (tmp_path / "curves.png").exists()
