# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Tutorials: the shell blocks of each page run word for word, in their order.

A block that is marked `<!-- not run: REASON -->` is left out, as test_code_blocks.py lists. A block
that begins with `# first terminal` runs beside the ones after it.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from helpers.markdown import ROOT, blocks

pytestmark = pytest.mark.slow
LONGEST = 1500  # [s] of a block on a busy machine
BACKGROUND = "# first terminal"
KITTI = os.environ.get("KITTI_RAW", "")  # folder of KITTI raw, which has to be downloaded by hand


class Terminal:
    """Folder in the layout of the repository, in which blocks are run."""

    def __init__(self, folder: Path, domain: int) -> None:
        self.folder = folder / "repository"
        (self.folder / "bin").mkdir(parents=True)
        for name in ("jasmine_core", "training"):
            (self.folder / name).symlink_to(ROOT / name)
        self._program("jasmine", "-m jasmine_ros.cli ")
        self._program("python", "")
        self._program("kitti2mcap", "-m kitti2mcap ")
        self.environment = os.environ | {
            "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "ROS_DOMAIN_ID": str(domain),
            "OMP_NUM_THREADS": "1",
        }
        self.started: list[subprocess.Popen[str]] = []
        self.printed = ""

    def _program(self, name: str, arguments: str) -> None:
        file = self.folder / "bin" / name
        file.write_text(f'#!/bin/sh\nexec "{sys.executable}" {arguments}"$@"\n')
        file.chmod(0o755)

    def run(self, page: str) -> None:
        """Run the blocks of a page; a failed command ends the test."""
        found = [b for b in blocks(ROOT / "docs" / page) if b.language == "bash"]
        wanted = [block for block in found if block.reason is None]
        assert wanted
        for block in wanted:
            command = ["bash", "-euo", "pipefail", "-c", block.text]
            options = {"cwd": self.folder, "env": self.environment, "text": True}
            if block.text.startswith(BACKGROUND):
                self.started.append(subprocess.Popen(command, start_new_session=True, **options))
                continue
            done = subprocess.run(command, capture_output=True, timeout=LONGEST, **options)
            assert done.returncode == 0, f"{block}: {done.stderr[-2000:]}"
            self.printed += done.stdout + done.stderr

    def close(self) -> None:
        """End the programs that run in the background."""
        for process in self.started:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGINT)
            process.wait(120)


@pytest.fixture
def terminal(tmp_path: Path, domain: int) -> Iterator[Terminal]:
    terminal = Terminal(tmp_path, domain)
    yield terminal
    terminal.close()


def test_the_demo(terminal):
    terminal.run("tutorial-demo.md")
    demo = terminal.folder / "demo"
    for name in ("report.html", "preview.png", "depth", "report.json", "accuracy.json"):
        assert (demo / name).exists(), name
    assert "AbsRel" in terminal.printed
    report = json.loads((terminal.folder / "out" / "report.json").read_text())
    assert report["scale"]["state"] == "metric"
    assert report["frames"]["processed"] == 10


@pytest.mark.skipif(not find_spec("cyclonedds"), reason="no wheel of cyclonedds here")
def test_the_live_node(terminal):
    terminal.run("tutorial-live.md")
    assert "messages published" in terminal.printed
    assert len(terminal.started) == 1
    assert terminal.started[0].poll() is None  # the node still runs


def test_the_adaptation(terminal):
    terminal.run("tutorial-adapt.md")
    assert (terminal.folder / "data" / "own" / "drive" / "report.html").exists()
    run = terminal.folder / "runs" / "first"
    assert (run / "final" / "jasmine.json").exists()
    assert (run / "report.html").exists() and any((run / "images").iterdir())
    before, after = (
        json.loads((terminal.folder / name).read_text()) for name in ("before.json", "after.json")
    )
    assert before != after
    assert (terminal.folder / "out-first" / "depth").exists()


@pytest.mark.skipif(not find_spec("onnxruntime"), reason="onnxruntime is not installed")
def test_the_export(terminal):
    terminal.run("tutorial-export.md")
    lines = [line for line in terminal.printed.splitlines() if "median depth" in line]
    names = [line.split()[1] for line in lines]
    assert names == ["torch", "onnxruntime"]
    one, other = (float(line.split()[-1]) for line in lines)
    assert one == pytest.approx(other, rel=1e-3)


@pytest.mark.skipif(not find_spec("kitti2mcap"), reason="kitti2mcap is not installed")
@pytest.mark.skipif(not KITTI, reason="KITTI_RAW does not name a folder with 2011_09_26")
def test_the_public_recording(terminal):
    (terminal.folder / "kitti_raw").symlink_to(Path(KITTI).resolve())
    terminal.run("tutorial-kitti.md")
    report = json.loads((terminal.folder / "out-kitti" / "report.json").read_text())
    assert report["frames"]["processed"] == 6
    assert report["camera"]["image"] == "/kitti/camera_color_left/image_raw"
    assert "no rectification" in report["input"]["rectification"]
    health = json.loads((terminal.folder / "data" / "kitti" / "kitti" / "health.json").read_text())
    assert health["images"]["received"] == 24 and health["images"]["samples"] > 0


def test_every_tutorial_is_tested():
    source = Path(__file__).read_text()
    assert shutil.which("bash")
    pages = {file.name for file in (ROOT / "docs").glob("tutorial-*.md")}
    assert len(pages) == 5 and {page for page in pages if page not in source} == set()
