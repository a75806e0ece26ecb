# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Documentation site: it builds without a warning, and its links and generated pages are right."""

from __future__ import annotations

import os
import re
import runpy
import shutil
import subprocess
import sys
from dataclasses import fields
from importlib.util import find_spec
from pathlib import Path

import pytest
from helpers.markdown import ROOT, links

from jasmine_core.train.recipe import DataConfig, Recipe
from jasmine_ros import cli

DOCS = ROOT / "docs"
CHECK = runpy.run_path(str(DOCS / "site_check.py"))
REFERENCE = runpy.run_path(str(DOCS / "site_reference.py"))
needs_sphinx = pytest.mark.skipif(
    not (find_spec("sphinx") and find_spec("myst_parser")),
    reason="Sphinx and MyST are not installed; make docs installs them",
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a site that was built from a copy of docs/, as rosdoc2 does."""
    folder = tmp_path_factory.mktemp("site")
    source, built = folder / "docs", folder / "html"
    shutil.copytree(DOCS, source, ignore=shutil.ignore_patterns("generated", "__pycache__"))
    command = [sys.executable, "-m", "sphinx", "-b", "html", "-W", "--keep-going", "--quiet"]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "NO_COLOR": "1"}
    done = subprocess.run(
        [*command, str(source), str(built)], env=environment, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    return built


@needs_sphinx
def test_all_links_inside_the_site_lead_to_a_page(site):
    assert CHECK["problems"](site) == []


@needs_sphinx
def test_the_sidebar_has_all_sections_of_the_index(site):
    sections = re.findall(r"^## (.+)$", (DOCS / "index.md").read_text(), re.MULTILINE)
    page = (site / "index.html").read_text()
    captions = re.findall(r'class="caption"[^>]*><span class="caption-text">([^<]+)', page)
    assert len(sections) >= 6
    assert sections == captions


@needs_sphinx
def test_equations_need_no_script(site):
    page = (site / "method.html").read_text()
    assert page.count("<math") > 20
    assert "\\frac" not in re.sub(r"<annotation.*?</annotation>", "", page)
    assert not re.search(r"<script[^>]*mathjax", page, re.IGNORECASE)


@needs_sphinx
def test_the_python_interface_is_on_the_site(site):
    page = (site / "generated" / "api_prediction.html").read_text()
    assert 'id="jasmine_core.runtime.predictor.DepthPredictor"' in page
    assert "Resize the image" not in page  # only documented things, not comments in the code


def test_every_page_is_listed_in_the_index():
    listed = {link.text.split("#")[0] for link in links(DOCS / "index.md")}
    assert {file.name for file in DOCS.glob("*.md")} - {"index.md"} <= listed


@pytest.mark.parametrize("command", cli.COMMANDS)
def test_the_options_of_a_command_are_read_from_its_help(command):
    text = REFERENCE["help_of"](command)
    description, rows = REFERENCE["read_help"](text)
    assert description.endswith((".", ")"))
    names = {name for row in rows for name in re.findall(r"--[a-z][\w-]*", row[0])}
    assert names == set(re.findall(r"(?<![\w-])--[a-z][\w-]*", _names(text)))
    assert all(words[0].isupper() and words.endswith((".", ")")) for _, words in rows)


def _names(text: str) -> str:
    """Return the names of options in a help text, without descriptions and --help."""
    lines = [line[2:] for line in text.splitlines() if line.startswith("│ -")]
    names = "\n".join(line.split("  ")[0] for line in lines)
    return re.sub(r"--(help|debug)", "", names)


def test_parameters_of_the_node_are_listed_once():
    page = REFERENCE["cli_page"]()
    (run,) = re.findall(r"^## jasmine run\n(.*?)^## ", page, re.MULTILINE | re.DOTALL)
    assert "parameters.md" in run and "`--limit N`" in run
    assert "--points-stride INT" not in page
    (evaluate,) = re.findall(r"^## jasmine evaluate\n(.*?)^## ", page, re.MULTILINE | re.DOTALL)
    assert "`--checkpoint CHECKPOINT`" in evaluate and "parameters.md" not in evaluate


def test_keys_of_a_recipe_are_listed_with_their_comments():
    comments = REFERENCE["comments_of"](Recipe)
    assert comments["accumulate"] == "batches per step"
    assert comments["wise_ft_weight"].startswith("alpha of WiSE-FT")
    assert comments["wise_ft_weight"].endswith("0 the starting weights.")
    page = REFERENCE["recipes_page"](ROOT)
    for kind in (Recipe, DataConfig):
        assert [f.name for f in fields(kind) if f"| `{f.name}` |" not in page] == []
    assert "`training/finetune_bag.yaml`" in page


def test_broken_links_and_external_files_are_found(tmp_path):
    (tmp_path / "other.html").write_text('<p id="here">')
    (tmp_path / "page.html").write_text(
        '<a href="other.html#here">right</a> <a href="https://example.org">outside</a>'
        '<a href="missing.html">1</a> <a href="other.html#gone">2</a> <a href="#nowhere">3</a>'
        '<script src="https://example.org/a.js"></script> <img src="data:image/png;base64,AA">'
    )
    assert CHECK["problems"](tmp_path) == [
        "page.html: missing.html does not exist",
        "page.html: other.html#gone has no such anchor",
        "page.html: #nowhere has no such anchor",
        "page.html: loads https://example.org/a.js from the network",
    ]
    (tmp_path / "empty").mkdir()
    assert "contains no page" in CHECK["problems"](tmp_path / "empty")[0]
