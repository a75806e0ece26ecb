# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Reference pages that are made from the code: commands, recipes and the Python interface."""

from __future__ import annotations

import inspect
import io
import os
import re
import tokenize
from contextlib import redirect_stdout
from dataclasses import MISSING, fields, is_dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from unittest.mock import patch

# Modules of the Python interface, by the title of their page.
API = {
    "api_prediction": (
        "Prediction",
        ["jasmine_core.runtime.predictor", "jasmine_core.runtime.backend"],
    ),
    "api_geometry": (
        "Geometry",
        [
            "jasmine_core.geometry.camera",
            "jasmine_core.geometry.points",
            "jasmine_core.geometry.rigid",
            "jasmine_core.geometry.warp",
        ],
    ),
    "api_data": ("Data sets", ["jasmine_core.dataset.samples", "jasmine_core.dataset.sequence"]),
    "api_training": (
        "Training",
        [
            "jasmine_core.train.trainer",
            "jasmine_core.train.hooks",
            "jasmine_core.train.feed",
            "jasmine_core.loss.objective",
        ],
    ),
    "api_model": ("Model", ["jasmine_core.model.jasmine", "jasmine_core.export.checkpoint"]),
    "api_bags": (
        "Bags and messages",
        ["jasmine_ros.bags.reader", "jasmine_ros.bags.writer", "jasmine_ros.msgs.point_clouds"],
    ),
    "api_node": (
        "Node",
        ["jasmine_ros.node.depth_component", "jasmine_ros.node.host"],
    ),
}
NAMES = ("cli", "recipes", *API)
BAR = "\\|"  # in a cell of a table
GENERATED = "This page is made from the code when the documentation is built."


def pages(root: Path) -> dict[str, str]:
    """Return the Markdown of all generated reference pages, by name."""
    return {
        "cli": cli_page(),
        "recipes": recipes_page(root),
        **{name: api_page(title, modules) for name, (title, modules) in API.items()},
    }


def api_page(title: str, modules: list[str]) -> str:
    """Return a page with the documentation of modules, from their docstrings."""
    parts = [
        f"\n## {module}\n\n```{{eval-rst}}\n.. automodule:: {module}\n   :members:\n```\n"
        for module in modules
    ]
    return "".join([f"# Python: {title}\n\n{GENERATED}\n", *parts])


# ------------------------------------------------------------------ commands


def cli_page() -> str:
    """Return the page of all commands with their options."""
    text = f"# Commands\n\n{GENERATED} `jasmine COMMAND --help` prints the same.\n"
    if find_spec("tyro") is None:
        return text + "\nIt is empty, because tyro is not installed where it was made.\n"
    from jasmine_ros import cli
    from jasmine_ros.node.parameters import DepthParameters

    parameters = {"--" + field.name.replace("_", "-") for field in fields(DepthParameters)}
    for command in cli.COMMANDS:
        description, rows = read_help(help_of(command))
        shared = [row for row in rows if _name(row) in parameters]
        takes_all = len(shared) > len(parameters) / 2
        own = [row for row in rows if not takes_all or row not in shared]
        text += f"\n## jasmine {command}\n\n{description}\n\n| option | description |\n|---|---|\n"
        for option, words in own:
            text += f"| {_code(option.replace('|', BAR))} | {_escaped(words)} |\n"
        if takes_all:
            text += (
                "\nEach [parameter of the node](../parameters.md) that describes images, network,"
                " scale and outputs is an option too, with hyphens: `--points-stride 2`.\n"
            )
    return text


def help_of(command: str) -> str:
    """Return the help of a command in lines of any length."""
    from jasmine_ros import cli

    # tyro draws its boxes, which `read_help` looks for, where the encoding has their lines.
    printed = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    wide = patch.dict(os.environ, {"COLUMNS": "100000", "NO_COLOR": "1"})
    with wide, redirect_stdout(printed):
        try:
            cli.parse([command, "--help"])
        except SystemExit as end:
            if end.code:
                raise RuntimeError(f"jasmine {command} --help ended with {end.code}") from end
    printed.seek(0)
    return printed.read()


def read_help(text: str) -> tuple[str, list[tuple[str, str]]]:
    """Return the description of a help text, and the names and texts of its options."""
    before, _, boxes = text.partition("╭")
    description = before.strip().split("\n", 1)[1].strip()
    rows: list[tuple[str, str]] = []
    for line in boxes.splitlines():
        if not line.startswith("│"):
            continue
        inside = line.strip("│")[1:].rstrip()
        if set(inside.strip()) == {"─"}:  # below the description of a group of options
            rows.pop()
        elif inside.startswith(" ") and rows:  # the description of a long option
            rows[-1] = rows[-1][0], f"{rows[-1][1]} {inside.strip()}".strip()
        elif inside.strip():
            name, _, words = inside.partition("  ")
            rows.append((name.strip(), words.strip()))
    return description, [row for row in rows if row[0] not in ("-h, --help", "--debug")]


def _name(row: tuple[str, str]) -> str:
    return row[0].split(",")[0].split(" ")[0]


# ------------------------------------------------------------------ recipes


def recipes_page(root: Path) -> str:
    """Return the page of the keys of recipes, and of the recipes in training/."""
    text = (
        f"# Recipes\n\n{GENERATED} A recipe is a YAML file for `jasmine train`; "
        "[training](training.md) explains how to use one.\n"
    )
    if find_spec("torch") is None:
        return text + "\nIt is empty, because torch is not installed where it was made.\n"
    from jasmine_core.train import recipe

    groups = {
        "Keys of a recipe": recipe.Recipe,
        "phases": recipe.Phase,
        "data": recipe.DataConfig,
        "data.kitti": recipe.KittiConfig,
        "data.other": recipe.OtherShape,
        "optimiser": recipe.OptimiserConfig,
        "loss": recipe.LossConfig,
    }
    for title, kind in groups.items():
        text += f"\n## {title}\n\n{inspect.getdoc(kind)}\n\n{fields_table(kind)}"
    text += "\n## Recipes of the project\n\n| file | content |\n|---|---|\n"
    for file in sorted((root / "training").rglob("*.yaml")):
        lines = [line[1:].strip() for line in file.read_text().splitlines() if line[:1] == "#"]
        about = " ".join(line for line in lines if line and "SPDX" not in line)
        text += f"| `{file.relative_to(root)}` | {_escaped(about.split('. ')[0].rstrip('.:'))}. |\n"
    return text


def fields_table(kind: type) -> str:
    """Return a table of the fields of a dataclass, with their comments."""
    comments = comments_of(kind)
    rows = ["| key | type | default | meaning |", "|---|---|---|---|"]
    for field in fields(kind):  # type: ignore[arg-type]
        shown = _escaped(str(field.type).replace('"', ""))
        rows.append(
            f"| `{field.name}` | {_code(shown)} | {_default(field)} "
            f"| {_escaped(comments.get(field.name, ''))} |"
        )
    return "\n".join(rows) + "\n"


def comments_of(kind: type) -> dict[str, str]:
    """Return the comments of the fields of a class: those above a field, and beside it."""
    source = inspect.getsource(kind)
    found: dict[str, str] = {}
    above: list[str] = []
    name = ""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            words = token.string.lstrip("#: ").strip()
            if token.line.lstrip().startswith("#"):
                above.append(words)
            elif name:
                found[name] = f"{found.get(name, '')} {words}".strip()
        elif field := re.match(r" {4}(\w+): ", token.line):
            if field[1] != name:
                name = field[1]
                if above:
                    found[name] = " ".join(above)
                above = []
        elif token.string == "def":
            break
    return found


def _default(field: Any) -> str:
    if field.default is not MISSING:
        return _code(repr(field.default).replace("'", '"') if field.default != "" else '""')
    if field.default_factory is not MISSING and is_dataclass(field.default_factory):
        return "see below"
    return "required"


def _code(text: str) -> str:
    return f"`{text}`"


def _escaped(text: str) -> str:
    """Return text for a cell of a table; angle brackets are not HTML there."""
    return text.replace("|", BAR).replace("<", "&lt;").replace("*", "\\*")
