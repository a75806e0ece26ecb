# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import sys

import cv2
import pytest

from jasmine_core.plots import add_axes, add_text, can_plot, png_figure


def test_missing_matplotlib_is_one_warning_with_file_and_extra(tmp_path, monkeypatch, caplog):
    assert can_plot(tmp_path / "a.png") and not caplog.records
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.delitem(sys.modules, "matplotlib.figure")
    assert not can_plot(tmp_path / "a.png")
    assert len(caplog.records) == 1
    text = caplog.text
    assert "a.png" in text and "jasmine_ros[report]" in text


def test_axes_have_the_given_position_and_text_is_literal(tmp_path):
    with png_figure(tmp_path / "a.png", 400, 200) as figure:
        axes = add_axes(figure, 50, 20, 100, 60)
        axes.set_facecolor("#ff0000")
        axes.grid(False)
        add_text(figure, "a_$x^{_$ has no formula", 200, 20)
    image = cv2.imread(str(tmp_path / "a.png"))
    assert image.shape == (200, 400, 3)
    assert (image[50, 100] == (0, 0, 255)).all() and (image[50, 160] == 255).all()
    assert image[20:40, 200:].min() < 100 and image[60:, 200:].min() == 255


def test_old_file_remains_after_an_error_while_drawing(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(b"old")
    with pytest.raises(ValueError, match="wrong"), png_figure(path, 100, 100):
        raise ValueError("wrong")
    assert path.read_bytes() == b"old" and list(tmp_path.iterdir()) == [path]


def test_figures_do_not_depend_on_the_style_of_the_user(tmp_path):
    import matplotlib

    with png_figure(tmp_path / "a.png", 200, 100) as figure:
        add_text(figure, "text", 20, 20)
    with (
        matplotlib.rc_context({"font.size": 20, "text.color": "red"}),
        png_figure(tmp_path / "b.png", 200, 100) as figure,
    ):
        add_text(figure, "text", 20, 20)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
