# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Code blocks and links of the documentation."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
import yaml
from helpers.markdown import DOCUMENTS, ROOT, Snippet, blocks, inline_code, links

LANGUAGES = {"", "bash", "python", "yaml", "json", "bibtex"}
# Blocks that are marked `<!-- not run: REASON -->` in the Markdown, with the same reason.
NOT_RUN = {
    "docs/tutorial-adapt.md": ["it installs packages", "it takes twelve minutes or more"],
    "docs/tutorial-demo.md": ["it installs packages", "it installs packages and opens a window"],
    "docs/tutorial-kitti.md": ["it installs packages"],
    "docs/tutorial-live.md": [
        "it needs ros2 launch",
        "it needs the ros2 command",
        "it needs ros2 launch",
        "it installs packages",
        "it opens a window",
    ],
    "docs/two-cameras.md": ["it needs the package launch of ROS 2"],
}

# Inline code that is a path in the repository, without placeholders in capitals.
PATH = re.compile(
    r"(tests|docs|config|training|benchmarks|examples|launch|docker|jasmine_core|jasmine_ros|\.github)"
    r"/[a-z0-9_./*-]*"
)

ALL = [block for file in DOCUMENTS for block in blocks(file)]
PYTHON = [block for block in ALL if block.language == "python"]


def test_documents_with_code_are_found():
    names = {str(file.relative_to(ROOT)) for file in DOCUMENTS}
    assert {"README.md", "docs/dataset.md", "training/README.md", "benchmarks/README.md"} <= names
    assert len(PYTHON) >= 3


def test_every_block_names_a_known_language():
    assert [f"{b}: {b.language}" for b in ALL if b.language not in LANGUAGES] == []


def test_only_listed_blocks_are_not_run():
    marked: dict[str, list[str]] = {}
    for block in ALL:
        if block.reason is not None:
            marked.setdefault(str(block.file.relative_to(ROOT)), []).append(block.reason)
    assert marked == NOT_RUN


@pytest.mark.parametrize("block", [b for b in PYTHON if b.reason is None], ids=str)
def test_a_python_block_runs(block: Snippet, working_folder: Path, tmp_path, monkeypatch):
    folder = tmp_path / "copy"  # No block sees the files that another one wrote.
    shutil.copytree(working_folder, folder)
    monkeypatch.chdir(folder)
    source = "\n" * (block.line - 1) + block.text  # Tracebacks show the document's line.
    exec(compile(source, str(block.file), "exec"), {"__name__": "__main__"})


@pytest.mark.parametrize("block", [b for b in ALL if b.language in ("yaml", "json")], ids=str)
def test_a_data_block_parses(block: Snippet):
    read = json.loads if block.language == "json" else yaml.safe_load
    assert read(block.text)


@pytest.mark.parametrize("file", DOCUMENTS, ids=lambda file: str(file.relative_to(ROOT)))
def test_links_lead_to_files(file: Path):
    broken = []
    for link in links(file):
        target = link.text.split("#")[0]
        if target and "://" not in target and not (file.parent / target).exists():
            broken.append(f"{link}: {target}")
    assert broken == []


@pytest.mark.parametrize("file", DOCUMENTS, ids=lambda file: str(file.relative_to(ROOT)))
def test_inline_paths_exist(file: Path):
    named = [code for code in inline_code(file) if PATH.fullmatch(code.text)]
    assert [f"{c}: {c.text}" for c in named if not any(ROOT.glob(c.text.rstrip("/")))] == []
