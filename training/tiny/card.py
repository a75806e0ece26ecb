# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Tables of the model card and gallery of the README, from results of score.sh: card.py OUT."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image

from jasmine_core.image_files import read_pixels

CARD = Path("jasmine_core/checkpoints/jasmine-tiny/MODEL_CARD.md")
GALLERY = Path("docs/gallery.png")
BEGIN, END = "<!-- Made by training/tiny/card.py. -->", "<!-- End of the part made by card.py. -->"
ROWS = {  # key in the JSON file -> name in the table
    "model": "jasmine-tiny",
    "baseline": "disparity net",
    "trivial_mean_map": "mean-depth map",
    "trivial_constant": "constant",
}
COLUMNS = {"abs_rel": "AbsRel", "rmse": "RMSE", "a1": "d<1.25"}
WIDTH = 1300  # [px] of the gallery at most
METRES = "_metres"  # end of the name of a result without alignment


def table(result: dict[str, Any]) -> list[str]:
    """Return the lines of a Markdown table of all predictors, with the best values in bold."""
    rows = {name: result[key] for key, name in ROWS.items() if result.get(key)}
    best = {c: (max if c == "a1" else min)(r[c] for r in rows.values()) for c in COLUMNS}
    lines = ["| | " + " | ".join(COLUMNS.values()) + " |", "|---|" + "---|" * len(COLUMNS)]
    for name, row in rows.items():
        cells = [f"**{row[c]:.3f}**" if row[c] == best[c] else f"{row[c]:.3f}" for c in COLUMNS]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return lines


def section(name: str, folder: Path) -> list[str]:
    """Return the lines of the card about the data set `name`: a title, a table, other figures."""
    result = json.loads((folder / f"{name}.json").read_text())
    model = result["model"]
    title = f"{result['data']}, {model['frames']} images, protocol {model['protocol']}"
    lines = [f"{title[0].upper()}{title[1:]}:", "", *table(result)]
    metres = folder / f"{name}{METRES}.json"
    notes = []
    if metres.is_file():
        free = json.loads(metres.read_text())["model"]
        error = abs(1 / model["scale_ratio_median"] - 1)
        notes.append(
            f"Without any alignment, in learned metres, AbsRel is {free['abs_rel']:.3f}; "
            f"the median error of the scale is {error:.0%}."
        )
    if model.get("edge_width") is not None:
        notes.append(
            f"Depth edges are {model['edge_width']:.1f} px wide, and {model['edge_recall']:.0%} of "
            "the edges of the ground truth are found."
        )
    return [*lines, "", *notes, ""] if notes else [*lines, ""]


def write_card(folder: Path, card: Path) -> None:
    """Replace the part of the card between BEGIN and END."""
    names = sorted(
        (f.stem for f in folder.glob("*.json") if not f.stem.endswith(METRES)),
        key=lambda name: (name not in ("street", "room"), name != "street", name),
    )
    text = card.read_text()
    if not 0 <= text.find(BEGIN) < text.find(END):
        raise SystemExit(f'{card} has no lines "{BEGIN}" and "{END}"; add them')
    made = "\n".join(line for name in names for line in section(name, folder))
    before, after = text.split(BEGIN)[0], text.split(END)[1]
    card.write_text(f"{before}{BEGIN}\n\n{made}{END}{after}")


def write_gallery(folder: Path, gallery: Path) -> None:
    """Write the figures of streets and rooms below each other."""
    figures = [read_pixels(folder / f"{name}.png", cv2.IMREAD_COLOR) for name in ("street", "room")]
    width = min(WIDTH, *(f.shape[1] for f in figures))
    scaled = [
        cv2.resize(f, (width, round(f.shape[0] * width / f.shape[1])), interpolation=cv2.INTER_AREA)
        for f in figures
    ]
    rgb = cv2.cvtColor(np.vstack(scaled), cv2.COLOR_BGR2RGB)
    Image.fromarray(rgb).quantize(256).save(gallery)  # a third of the size in full colours


if __name__ == "__main__":
    write_card(Path(sys.argv[1]), CARD)
    write_gallery(Path(sys.argv[1]), GALLERY)
