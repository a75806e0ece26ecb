# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Recipes of the bundled jasmine-tiny, and the script that runs them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from jasmine_core.train.recipe import read_recipe

ROOT = Path(__file__).parents[2]
FOLDER = Path("training/tiny")
RECIPES = sorted((ROOT / FOLDER).glob("??_*.yaml"))
NAMES = [file.stem for file in RECIPES]  # Each is the name of a run folder too.

# Script in place of `jasmine` and `python`: it logs its arguments, and a training leaves a final
# checkpoint, unless its run folder is $STOP.
COMMAND = """#!/bin/sh
echo "$(basename "$0") $*" >> "$LOG"
[ "$1" = train ] || exit 0
mkdir -p "$4"
[ "$4" != "$STOP" ] && mkdir "$4/final"
"""


def test_numbers_have_no_gap():
    assert [file.name[:3] for file in RECIPES] == [f"{n:02}_" for n in range(1, 15)]


@pytest.mark.parametrize("number", range(len(RECIPES)), ids=NAMES)
def test_a_recipe_needs_results_of_earlier_recipes_alone(number):
    recipe = read_recipe(RECIPES[number])
    paths = " ".join((recipe.start, recipe.posenet, recipe.teacher, recipe.autoencoder))
    needed = set(re.findall(r"runs/tiny/(\w+)/final", paths))
    assert paths.count("runs/") == len(re.findall(r"runs/tiny/\w+/final", paths))
    assert needed <= set(NAMES[:number])
    assert needed or recipe.start in ("random:tiny", "lite")


@pytest.fixture
def script(tmp_path):
    """Return a function that runs tiny.sh with logging commands, and returns its status and log."""
    shutil.copytree(ROOT / FOLDER, tmp_path / FOLDER)
    commands = tmp_path / "commands"
    commands.mkdir()
    for name in ("jasmine", "python"):
        (commands / name).write_text(COMMAND)
        (commands / name).chmod(0o755)
    log = tmp_path / "log"

    def run(*bags, stop=""):
        log.write_text("")
        for bag in bags:
            if "://" not in bag:
                (tmp_path / "training" / bag).touch()
        result = subprocess.run(
            ["bash", tmp_path / FOLDER / "tiny.sh", *bags],
            cwd=tmp_path / "training",
            env=os.environ
            | {"PATH": f"{commands}:{os.environ['PATH']}", "LOG": str(log), "STOP": stop},
            capture_output=True,
            timeout=60,
        )
        return result.returncode, log.read_text().splitlines()

    return run


def trainings(log):
    return [line for line in log if line.startswith("jasmine train")]


def expected(file, resume=""):
    return f"jasmine train {FOLDER / file.name} -o runs/tiny/{file.stem}{resume}"


def test_the_script_runs_all_recipes_in_order(script, tmp_path):
    status, log = script("a.mcap", "b c.bag", "s3://d/e")
    own = tmp_path / "training"
    assert status == 0
    assert trainings(log) == [expected(file) for file in RECIPES]
    assert sum(line.startswith("jasmine render") for line in log) == 9
    # Paths are those of the folder in which the script was called; addresses stay as they are.
    assert log[9].startswith(f"jasmine prepare {own}/a.mcap {own}/b c.bag s3://d/e -o data/real ")
    mean, bundle, calibrate = log[10 + len(RECIPES) : 13 + len(RECIPES)]
    assert mean.startswith("python training/tiny/mean.py runs/tiny/jasmine-tiny runs/tiny/")
    assert bundle == (
        "python training/tiny/bundle.py runs/tiny/jasmine-tiny "
        "runs/tiny/14_teacher_video/final/posenet 0.3 jasmine_core/checkpoints/jasmine-tiny"
    )
    assert calibrate == "jasmine calibrate jasmine-tiny"
    assert "a.mcap" not in "".join(trainings(log))


def test_the_script_continues_after_an_interruption(script):
    status, log = script("a.mcap", stop=f"runs/tiny/{NAMES[4]}")
    assert status != 0
    assert trainings(log) == [expected(file) for file in RECIPES[:5]]
    status, log = script("a.mcap")
    assert status == 0
    assert trainings(log) == [
        expected(RECIPES[4], " --resume"),
        *(expected(file) for file in RECIPES[5:]),
    ]


def test_the_script_needs_a_bag(script, tmp_path):
    assert script() == (2, [])
    tiny = tmp_path / FOLDER / "tiny.sh"
    done = subprocess.run(["bash", tiny, "gone.mcap"], capture_output=True, text=True)
    assert done.returncode == 2 and "gone.mcap does not exist" in done.stderr


@pytest.mark.parametrize("option", ["-h", "--help"])
def test_help_of_the_rehearsal_is_its_usage(option):
    done = subprocess.run(
        [ROOT / FOLDER / "rehearse.sh", option], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0 and done.stderr == ""
    assert done.stdout.startswith("usage: training/tiny/rehearse.sh FOLDER BAG...")
