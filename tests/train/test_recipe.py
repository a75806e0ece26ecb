# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import math
from itertools import pairwise
from pathlib import Path

import pytest
import yaml

from jasmine_core.config import to_mapping, write_config
from jasmine_core.errors import ConfigError
from jasmine_core.train.recipe import (
    DataConfig,
    OptimiserConfig,
    Phase,
    Recipe,
    read_recipe,
)

ROOT = Path(__file__).parents[2]
RECIPES = sorted((ROOT / "training").rglob("*.yaml"))
SHORT = {
    "learner": "disparity",
    "start": "small",
    "phases": [{"steps": 10, "train": ["disparity", "posenet"]}],
    "data": {"sequences": ["data/drive"]},
}


def written(tmp_path, values):
    file = tmp_path / "recipe.yaml"
    file.write_text(yaml.safe_dump(values))
    return file


@pytest.mark.parametrize("file", RECIPES, ids=lambda f: f.stem)
def test_every_recipe_is_valid_and_comments_every_key(file):
    recipe = read_recipe(file)
    assert recipe.steps > 0
    for line in file.read_text().splitlines():
        key = line.split("#")[0].strip()
        if key and not key.endswith(":"):  # a key that opens a group is explained by its members
            assert "#" in line, f"{file.name}: `{line}` has no comment"
        if key and "#" in line:
            assert line.endswith("."), f"{file.name}: the comment of `{key}` is not a sentence"


def test_a_recipe_states_what_differs_from_its_base(tmp_path):
    (tmp_path / "base").mkdir()
    deeper = SHORT | {"optimiser": {"warm_up": 7, "clip": 2.0}, "keep": 9}
    written(tmp_path / "base", deeper).rename(tmp_path / "base" / "deeper.yaml")
    middle = {"extends": "deeper.yaml", "optimiser": {"clip": 3.0}, "batch_size": 2}
    written(tmp_path / "base", middle)
    file = tmp_path / "recipe.yaml"
    phases = [{"steps": 4, "train": ["disparity"]}]
    changes = {"extends": "base/recipe.yaml", "phases": phases, "data": {"flip": 0.0}}
    recipe = read_recipe(written(tmp_path, changes))
    assert recipe.phases == (Phase(4, ("disparity",)),), "a list is replaced as a whole"
    assert recipe.data == DataConfig(("data/drive",), flip=0.0)
    assert recipe.optimiser == OptimiserConfig(warm_up=7, clip=3.0)
    assert (recipe.keep, recipe.batch_size) == (9, 2)

    write_config(recipe, tmp_path / "resolved.yaml")
    assert "extends" not in (tmp_path / "resolved.yaml").read_text()
    assert read_recipe(tmp_path / "resolved.yaml") == recipe
    written(tmp_path, changes | {"data": {"colour": 1}})
    with pytest.raises(ConfigError, match=r"extends .*deeper\.yaml\).*unknown key 'colour'"):
        read_recipe(file)


@pytest.mark.parametrize("base", ["missing.yaml", ".", "", 3, ["a.yaml"]])
def test_a_base_that_is_no_recipe_is_refused_in_one_line(tmp_path, base):
    with pytest.raises(ConfigError, match=r"recipe\.yaml: extends is") as caught:
        read_recipe(written(tmp_path, {"extends": base}))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("names", ["a", "ab", "abc"])
def test_a_recipe_that_extends_itself_is_refused_in_one_line(tmp_path, names):
    for name, base in zip(names, names[1:] + names[0], strict=True):
        (tmp_path / f"{name}.yaml").write_text(f"extends: ./{base}.yaml")
    with pytest.raises(ConfigError, match=r"a\.yaml extends itself: .*a\.yaml -> ") as caught:
        read_recipe(tmp_path / "a.yaml")
    assert "\n" not in str(caught.value)


def leaves(values, group=()):
    """Yield the path and the value of every key that opens no group."""
    for name, value in values.items():
        if isinstance(value, dict):
            yield from leaves(value, (*group, name))
        else:
            yield (*group, name), value


EXTENDED = [file for file in RECIPES if "extends" in yaml.safe_load(file.read_text())]


@pytest.mark.parametrize("file", EXTENDED, ids=lambda f: f.stem)
def test_a_recipe_repeats_no_value_of_its_base(file):
    stated = yaml.safe_load(file.read_text())
    base = dict(leaves(to_mapping(read_recipe(file.parent / stated.pop("extends")))))
    resolved = dict(leaves(to_mapping(read_recipe(file))))
    names = [name for name, _ in leaves(stated)]
    assert names
    assert [name for name in names if name in base and base[name] == resolved[name]] == []


def test_there_are_recipes():
    names = {f.stem for f in RECIPES}
    assert {"kitti", "finetune_bag", "teacher", "tiny", "full", "no_mir", "no_ssg"} <= names


def test_the_paper_is_in_kitti():
    recipe = read_recipe(ROOT / "training" / "kitti.yaml")
    assert [phase.steps for phase in recipe.phases] == [15_000, 5_000, 5_000]
    assert [set(p.train) for p in recipe.phases] == [
        {"unet", "ssg", "posenet"},
        {"unet"},
        {"unet", "ssg", "posenet"},
    ]
    assert (recipe.data.width, recipe.data.height, recipe.batch_size) == (1024, 320, 32)
    assert (recipe.optimiser.learning_rate, recipe.optimiser.warm_up) == (3e-5, 100)
    assert (recipe.posenet, recipe.data.own_share) == ("resnet18", 0.3)
    assert recipe.data.kitti is not None


def test_ablations_differ_in_one_thing_alone():
    folder = ROOT / "training" / "ablations"
    full, *others = (
        to_mapping(read_recipe(folder / f"{name}.yaml"))
        for name in ("full", "no_mir", "no_ssg", "no_teacher")
    )
    changed = [{k for k in full if other[k] != full[k]} for other in others]
    assert changed == [{"data"}, {"refine"}, {"teacher"}]
    assert others[0]["data"] == full["data"] | {"auxiliary": ""}


def test_a_written_recipe_can_be_read(tmp_path):
    recipe = Recipe(
        "jasmine", "random:tiny", (Phase(3, ("unet",)),), data=DataConfig(("a", "b"), own_share=1)
    )
    write_config(recipe, tmp_path / "recipe.yaml")
    assert read_recipe(tmp_path / "recipe.yaml") == recipe


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"colour": 1}, r"recipe\.yaml: unknown key 'colour'"),
        ({"learning": "jasmine"}, r"recipe\.yaml: unknown key 'learning'; the nearest .* learner$"),
        (
            {"data": {"sequences": ["a"], "sizes": 3}},
            r"unknown key 'sizes' in data; known keys are sequences",
        ),
        ({"learner": "midas"}, r"recipe\.yaml: learner: 'midas' is not one of jasmine, disparity$"),
        ({"batch_size": "four"}, "'four' is not int"),
        ({"phases": []}, "at least one step"),
        ({"phases": [{"steps": 0, "train": ["disparity"]}]}, "at least one step"),
        ({"phases": [{"steps": 1, "train": ["unet"]}]}, r"\['unet'\]; choose from disparity"),
        ({"phases": [{"steps": 1, "train": []}]}, "choose from disparity, posenet"),
        ({"batch_size": 0}, "batch_size is 0"),
        ({"validate_every": 0}, "validate_every is 0"),
        ({"data": {"sequences": []}}, "list folders of `jasmine prepare`"),
        ({"data": {"sequences": ["a"], "flip": 1.5}}, r"data\.flip is 1\.5"),
        ({"data": {"sequences": ["a"], "held_out": 1}}, "nothing to train on"),
        ({"data": {"sequences": ["a"], "width": -64}}, "cannot be negative"),
        ({"seed": 1 << 64}, "at most 62 bits"),
        ({"optimiser": {"learning_rate": 0}}, "must be positive"),
        ({"optimiser": {"weight_decay": -1}}, "weight_decay is -1"),
        ({"loss": {"velocity": -0.1}}, "velocity = -0.1"),
        ({"teacher": "nets/teacher"}, "has none itself"),
        ({"refine": False}, "refines nothing"),
        ({"start_share": 0.25}, r"start_share was renamed to wise_ft_weight; set it to 1 - start_"),
        ({"loss": {"auxiliary": 0.001}}, r"loss\.auxiliary was renamed to loss\.regularization"),
        ({"picture_every": 9}, r"picture_every was renamed to image_every"),
    ],
)
def test_invalid_recipes_are_refused(tmp_path, changes, complaint):
    file = written(tmp_path, SHORT | changes)
    with pytest.raises(ConfigError, match=complaint):
        read_recipe(file)


def test_a_step_belongs_to_its_phase():
    phases = (Phase(2, ("unet",)), Phase(1, ("ssg",)), Phase(3, ("posenet",)))
    recipe = Recipe("jasmine", "random:tiny", phases, data=DataConfig(("a",)))
    assert [phases.index(recipe.phase_at(s)) for s in range(6)] == [0, 0, 1, 2, 2, 2]
    with pytest.raises(ValueError, match="beyond the 6 steps"):
        recipe.phase_at(6)


def test_the_learning_rate_rises_and_falls():
    optimiser = OptimiserConfig(learning_rate=3e-5, warm_up=100, final_share=0.01)
    rates = [optimiser.rate(step, 25_000) for step in range(25_000)]
    assert rates[0] == pytest.approx(3e-7)
    assert rates[99] == pytest.approx(3e-5)
    assert all(a < b for a, b in pairwise(rates[:100]))
    assert all(a > b for a, b in pairwise(rates[100:]))
    # exp((n - w) / (T - w) ln 0.01): a tenth of the rate half-way, a hundredth at the end
    assert rates[(25_000 + 100) // 2] == pytest.approx(3e-6)
    assert rates[-1] == pytest.approx(3e-7, rel=1e-3)
    assert math.isfinite(optimiser.rate(5, 3))  # shorter than its warm-up
