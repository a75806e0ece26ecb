# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Tables of the model card and the gallery, from results of `jasmine evaluate`."""

from __future__ import annotations

import json
import runpy
from pathlib import Path

import cv2
import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
CARD = runpy.run_path(str(ROOT / "training/tiny/card.py"), run_name="card")


def scores(abs_rel, a1=0.5, **others):
    return {"abs_rel": abs_rel, "rmse": 5.0, "a1": a1, "frames": 8, "protocol": "plain"} | others


@pytest.fixture
def results(tmp_path):
    """Return a folder with results of rooms, streets and a recording."""
    model = scores(0.2, 0.8, scale_ratio_median=0.8, edge_width=2.5, edge_recall=0.5)
    for name in ("room", "street", "kitti"):
        result = {"model": model, "trivial_mean_map": scores(0.3), "data": f"data of {name}"}
        (tmp_path / f"{name}.json").write_text(json.dumps(result))
        image = np.full((10, 40 if name == "room" else 20, 3), 90, np.uint8)
        cv2.imwrite(str(tmp_path / f"{name}.png"), image)
    (tmp_path / "kitti_metres.json").write_text(json.dumps({"model": scores(0.25)}))
    return tmp_path


def test_only_the_part_between_the_marks_is_replaced(results):
    card = results / "CARD.md"
    card.write_text(f"# Name\n\n{CARD['BEGIN']}\nold\n{CARD['END']}\n\nEnd.\n")
    for _ in range(2):
        CARD["write_card"](results, card)
        text = card.read_text()
        assert text.startswith(f"# Name\n\n{CARD['BEGIN']}\n\nData of street, 8 images")
        assert text.endswith(f"{CARD['END']}\n\nEnd.\n")
        assert "old" not in text
        places = [text.index(f"Data of {name}") for name in ("street", "room", "kitti")]
        assert places == sorted(places)


def test_the_best_value_of_each_column_is_bold(results):
    lines = CARD["table"](json.loads((results / "street.json").read_text()))
    assert lines[2] == "| jasmine-tiny | **0.200** | **5.000** | **0.800** |"
    assert lines[3] == "| mean-depth map | 0.300 | **5.000** | 0.500 |"


def test_figures_in_metres_follow_the_table(results):
    text = "\n".join(CARD["section"]("kitti", results))
    assert "AbsRel is 0.250; the median error of the scale is 25%." in text
    assert "2.5 px wide, and 50% of" in text
    assert "alignment" not in "\n".join(CARD["section"]("room", results))


def test_a_card_without_the_marks_is_refused(results):
    card = results / "CARD.md"
    card.write_text("text of somebody")
    with pytest.raises(SystemExit, match=r"CARD\.md has no lines"):
        CARD["write_card"](results, card)
    assert card.read_text() == "text of somebody"


def test_the_gallery_has_streets_above_rooms(results):
    CARD["write_gallery"](results, results / "gallery.png")
    assert cv2.imread(str(results / "gallery.png")).shape == (10 + 5, 20, 3)
