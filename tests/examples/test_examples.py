# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""The programs of examples/, each run as a user runs it."""

from __future__ import annotations

import json
import runpy
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
import yaml
from helpers.training_runs import WIDTH, log, write_sequence

from jasmine_core import DepthPredictor
from jasmine_core.synthetic.drive import WorldConfig, render_drive
from jasmine_ros.commands.demo import sample_drive

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
DRIVE, _ = sample_drive()


@pytest.fixture
def run(monkeypatch) -> Callable[..., dict[str, Any]]:
    """Return a function that runs an example with arguments and returns its names."""

    def run(name: str, *arguments: object) -> dict[str, Any]:
        monkeypatch.setattr(sys, "argv", [name, *map(str, arguments)])
        return runpy.run_path(str(EXAMPLES / name), run_name="__main__")

    return run


@pytest.fixture(scope="module")
def image(tmp_path_factory) -> Path:
    """Return a photo-like image of 160x80 px."""
    file = tmp_path_factory.mktemp("image") / "image.jpg"
    noise = np.random.default_rng(0).integers(0, 255, (20, 40, 3), np.uint8)
    assert cv2.imwrite(str(file), cv2.resize(noise, (160, 80), interpolation=cv2.INTER_CUBIC))
    return file


def test_every_example_is_listed_in_the_readme():
    text = (EXAMPLES / "README.md").read_text()
    names = {file.name for file in EXAMPLES.iterdir() if file.suffix in (".py", ".ipynb")}
    assert len(names) >= 6
    assert {name for name in names if f"| `{name}` |" not in text} == set()


def test_depth_of_an_image(run, image, tmp_path, capsys):
    names = run("depth_of_an_image.py", image, tmp_path / "depth.png")
    assert names["depth"].shape == (80, 160) and np.isfinite(names["depth"]).all()
    assert "m, estimated" in capsys.readouterr().out
    assert cv2.imread(str(tmp_path / "depth.png")).shape == (80, 160, 3)


def test_the_depth_of_an_image_takes_ten_lines():
    text = (EXAMPLES / "depth_of_an_image.py").read_text()
    code = [line for line in text.splitlines() if line and not line.startswith(("#", '"""'))]
    assert len(code) <= 10


def test_a_point_cloud_of_a_bag(run, tmp_path, capsys):
    file = tmp_path / "cloud.ply"
    run("bag_to_ply.py", DRIVE, file, "0.5", "30")
    header, _, body = file.read_bytes().partition(b"end_header\n")
    lines = header.decode().splitlines()
    (count,) = [int(line.split()[-1]) for line in lines if line.startswith("element vertex")]
    assert f"{count} points" in capsys.readouterr().out
    kinds = {"float": "<f4", "uchar": "u1"}
    columns = [line.split()[1:] for line in lines if line.startswith("property")]
    points = np.frombuffer(body, [(name, kinds[kind]) for kind, name in columns])
    assert len(points) == count > 10_000
    assert points["z"].min() > 0.5 and points["z"].max() < 100  # [m]
    assert np.abs(points["y"]).max() < points["z"].max()
    assert points["red"].std() > 5


@pytest.fixture
def recipe(tmp_path) -> Path:
    """Return a recipe of two steps for the smallest disparity net, with its images."""
    config = WorldConfig(width=WIDTH, height=64, frames=5, supersample=1, shadows=False)
    write_sequence(render_drive(3, config), tmp_path / "data" / "drive")
    file = tmp_path / "recipe.yaml"
    values = {
        "learner": "disparity",
        "start": "small",
        "phases": [{"steps": 2, "train": ["disparity", "posenet"]}],
        "batch_size": 1,
        "log_every": 1,
        "loss": {"velocity": 0.0},
        "data": {
            "sequences": [str(tmp_path / "data")],
            "width": WIDTH,
            "height": 64,
            "workers": 0,
            "held_out": 0.0,
        },
    }
    file.write_text(yaml.safe_dump(values))
    return file


def test_a_custom_loss_is_part_of_the_training(run, recipe, tmp_path, capsys):
    names = run("custom_loss.py", recipe, tmp_path / "run")
    assert (tmp_path / "run" / "final" / "model.safetensors").is_file()
    assert str(tmp_path / "run" / "final") in capsys.readouterr().out
    numbers = [line for line in log(tmp_path / "run") if "log_variation" in line]
    assert len(numbers) == 2
    for line in numbers:
        usual = line["photometric"] + 0.008 * line["smoothness"]
        assert line["total"] == pytest.approx(
            usual + names["WEIGHT"] * line["log_variation"], abs=1e-6
        )


def test_the_term_of_the_custom_loss_ignores_the_scale():
    term = runpy.run_path(str(EXAMPLES / "custom_loss.py"))["log_variation"]
    depth = torch.linspace(1, 3, 12).view(1, 1, 3, 4).requires_grad_()
    assert float(term(torch.full((1, 1, 3, 4), 2.0))) == 0
    value = term(depth)
    assert term(5 * depth).item() == pytest.approx(value.item())
    value.backward()
    assert depth.grad is not None and bool(depth.grad.isfinite().all())


def test_a_custom_backend_behind_the_predictor(run, image, capsys):
    backend = run("custom_backend.py", image)["FlatGround"]()
    assert "depth from top to bottom: [3." in capsys.readouterr().out
    prediction = DepthPredictor(backend)(np.zeros((96, 320, 3), np.uint8))
    column = prediction.depth[:, 160]
    assert (np.diff(column) <= 0).all() and column[0] == 3
    # Depth times the distance from the horizon is constant on a level ground.
    rows = np.arange(70, 96)
    assert np.ptp(column[rows] * (rows - 47.5)) < 1e-3


def test_the_notebook(tmp_path, monkeypatch, capsys):
    """Run all cells in their order, with a small size and two steps."""
    import matplotlib

    matplotlib.use("Agg")
    notebook = json.loads((EXAMPLES / "adapt.ipynb").read_text())
    assert notebook["nbformat"] == 4
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert all(cell["outputs"] == [] for cell in cells)
    monkeypatch.chdir(ROOT)
    names: dict[str, Any] = {"__name__": "__main__"}
    for number, cell in enumerate(cells):
        exec(compile("".join(cell["source"]), f"cell {number}", "exec"), names)
        if "parameters" in cell["metadata"].get("tags", ()):
            names |= {"FOLDER": tmp_path / "adapted", "WIDTH": 64, "HEIGHT": 32, "STEPS": 2}
    assert names["checkpoint"] == tmp_path / "adapted" / "run" / "final"
    before, after = names["depths"].values()
    assert before.shape == after.shape == (32, 64)
    assert not np.array_equal(before, after)
