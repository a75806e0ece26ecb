# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Commands of training/README.md from a recording to depth, on small data.

That losses fall is all that so short a training can promise; the depths are not judged.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from helpers.training_runs import log

from jasmine_core import JasmineModel
from jasmine_core.config import write_config
from jasmine_core.model.disparity_net import DisparityNet
from jasmine_core.train.recipe import Phase, Recipe, read_recipe

TRAINING = Path(__file__).parents[2] / "training"


def jasmine(*arguments: object) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "jasmine_ros.cli", *map(str, arguments)],
        env=os.environ | {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def small(name: str, data: Path, phases: tuple[Phase, ...], **changes: object) -> Recipe:
    """Return one of the house's recipes with another size, and less to do."""
    recipe = read_recipe(TRAINING / name)
    size = {"sequences": (str(data),), "width": 192, "height": 64, "workers": 0}
    rate = replace(recipe.optimiser, warm_up=10)
    recipe = replace(recipe, phases=phases, log_every=1, optimiser=rate)
    return replace(recipe, data=replace(recipe.data, **size), **changes)


def fell(folder: Path, name: str) -> float:
    """Return a term's mean over the last tenth of a run, as a share of the first."""
    values = [line[name] for line in log(folder) if name in line]
    tenth = max(1, len(values) // 10)
    return float(np.mean(values[-tenth:]) / np.mean(values[:tenth]))


@pytest.mark.slow
def test_commands_of_the_readme_lead_from_a_bag_to_depth(tmp_path):
    # 1. Two drives, as a robot would have recorded them.
    bags = []
    for seed in (1, 2):
        jasmine("demo", "--write-bag", tmp_path / f"seed_{seed}", "--seed", seed, "--frames", 14)
        bags.append((tmp_path / f"seed_{seed}" / "drive").rename(tmp_path / f"drive_{seed}"))

    # 2. A data set.
    data = tmp_path / "data"
    told = jasmine("prepare", *bags, "-o", data, "--width", 192, "--height", 64)
    assert told.count("samples from 14 images, metric") == 2
    assert (data / "drive_1" / "report.png").is_file()

    # 3. The disparity net.
    teacher = tmp_path / "teacher"
    recipe = small("teacher.yaml", data, (Phase(150, ("disparity", "posenet")),))
    write_config(recipe, tmp_path / "teacher.yaml")
    jasmine("train", tmp_path / "teacher.yaml", "-o", teacher)
    assert fell(teacher, "photometric") < 0.95
    scale = DisparityNet.from_pretrained(teacher / "final").config.metres_per_unit
    assert scale and 1 < scale < 1000, "the bags have odometry"

    # 4. Jasmine, with it as the teacher.
    run = tmp_path / "jasmine"
    phases = (Phase(30, ("unet", "ssg")), Phase(20, ("unet", "ssg", "posenet")))
    nets = {"teacher": str(teacher / "final"), "posenet": str(teacher / "final" / "posenet")}
    write_config(small("tiny.yaml", data, phases, **nets), tmp_path / "jasmine.yaml")
    jasmine("train", tmp_path / "jasmine.yaml", "-o", run)
    for name, share in (("teacher_depth", 0.85), ("reconstruction", 0.95), ("total", 0.85)):
        assert fell(run, name) < share, name
    config = JasmineModel.from_pretrained(run / "final").config
    assert (config.metres_per_unit, config.width, config.height) == (scale, 192, 64)

    # 5. Judge it, and use it.
    table = tmp_path / "score.json"
    jasmine(
        "evaluate", "--checkpoint", run / "final", "--world", "street", "--frames", 10,
        "--json", table,
    )  # fmt: skip
    assert json.loads(table.read_text())
    depth = tmp_path / "depth"
    jasmine("run", bags[0], "-o", depth, "--checkpoint", run / "final")
    report = json.loads((depth / "report.json").read_text())
    assert report["frames"]["processed"] == 14
    assert report["scale"]["state"] == "metric"
    assert report["scale"]["metres_per_unit"] == scale
