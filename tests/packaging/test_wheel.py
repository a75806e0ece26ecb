# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Wheel and sdist, installed from the package index into an empty environment and run there."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LIMIT = 1500  # [s] for the installation on a busy machine
BUILD = "import sys; from setuptools import build_meta as b; b.build_{}(sys.argv[1])"

pytestmark = pytest.mark.slow


def run(*command: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a command that sees nothing of this environment."""
    hidden = ("PYTHONPATH", "VIRTUAL_ENV", "JASMINE_CACHE")
    env = {key: value for key, value in os.environ.items() if key not in hidden}
    env |= {"JASMINE_CACHE": str(cwd / "cache")}
    return subprocess.run(
        list(map(str, command)), capture_output=True, text=True, cwd=cwd, env=env, timeout=LIMIT
    )


@pytest.fixture(scope="module")
def archives(tmp_path_factory) -> tuple[Path, Path]:
    """Return the sdist of the files under version control, and the wheel built from it."""
    place = tmp_path_factory.mktemp("packages")
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, names.split("\0")):
        if (ROOT / name).is_file():
            (place / "tree" / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, place / "tree" / name)
    done = run(sys.executable, "-c", BUILD.format("sdist"), place, cwd=place / "tree")
    assert done.returncode == 0, done.stderr
    (sdist,) = place.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        archive.extractall(place / "source", filter="data")
    (source,) = (place / "source").iterdir()
    done = run(sys.executable, "-c", BUILD.format("wheel"), place, cwd=source)
    assert done.returncode == 0, done.stderr
    (wheel,) = place.glob("*.whl")
    return sdist, wheel


@pytest.fixture(scope="module")
def installed(archives, tmp_path_factory) -> Path:
    """Return an environment in which only the wheel and what it requires is installed."""
    place = tmp_path_factory.mktemp("installed")
    done = run(sys.executable, "-m", "venv", place / "venv", cwd=place)
    assert done.returncode == 0, done.stderr
    pip = (place / "venv/bin/python", "-m", "pip", "install", "--quiet")
    done = run(*pip, "-c", ROOT / "constraints.txt", archives[1], cwd=place)
    if "Could not fetch" in done.stderr or "Temporary failure" in done.stderr:
        pytest.skip(f"the package index cannot be reached: {done.stderr.splitlines()[-1]}")
    assert done.returncode == 0, done.stderr
    return place


def test_the_wheel_is_for_every_platform_and_has_the_files_of_share(archives):
    assert archives[1].name.endswith("-py3-none-any.whl")
    names = set(zipfile.ZipFile(archives[1]).namelist())
    (share,) = {name.partition("/share/")[0] for name in names if "/share/" in name}
    for file in ("launch/depth.launch.py", "config/depth.yaml", "training/tiny/bundle.py"):
        assert f"{share}/share/jasmine_ros/{file}" in names
    assert f"{share}/share/ament_index/resource_index/packages/jasmine_ros" in names
    assert "jasmine_core/checkpoints/jasmine-tiny/unet/config.json" in names
    assert not [name for name in names if name.startswith(("tests/", "benchmarks/"))]


def test_the_installed_command_runs_from_its_own_files(installed):
    done = run(installed / "venv/bin/jasmine", "--version", cwd=installed)
    assert (done.returncode, done.stdout.split()[0]) == (0, "jasmine"), done.stderr
    done = run(installed / "venv/bin/depth_node", "--help", cwd=installed)
    assert "Traceback" not in done.stderr


def test_the_bundled_checkpoint_runs_in_opencv_without_an_extra(installed):
    script = "from importlib import resources as r; print(r.files('jasmine_core') / 'samples')"
    samples = run(installed / "venv/bin/python", "-c", script, cwd=installed).stdout.strip()
    drive = Path(samples) / "street" / "drive"
    assert (installed / "venv") in drive.parents
    command = (installed / "venv/bin/jasmine", "run", drive, "-o", "out", "--every", "20")
    done = run(*command, cwd=installed)
    assert done.returncode == 0, done.stderr
    report = json.loads((installed / "out" / "report.json").read_text())
    assert report["frames"]["processed"] == 2
    assert "opencv" in json.dumps(report)


@pytest.mark.parametrize(
    ("arguments", "extra"),
    [
        (("convert", "--authors", "x", "--stable-diffusion", "y", "-o", "z"), "convert"),
        (("export", "jasmine-tiny", "--onnx"), "torch,onnx"),
        (("train", "{share}/training/finetune_bag.yaml", "-o", "runs"), "train"),
        (("evaluate", "--world", "street", "--frames", "1"), "torch"),
        (("live", "--image", "/image"), "live"),
        (("view",), "viz"),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else None,
)
def test_a_command_that_needs_more_names_its_extra_in_one_line(installed, arguments, extra):
    share = str(installed / "venv/share/jasmine_ros")
    words = [word.format(share=share) for word in arguments]
    done = run(installed / "venv/bin/jasmine", *words, cwd=installed)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert f"jasmine_ros[{extra}]" in done.stderr.strip().splitlines()[-1]
