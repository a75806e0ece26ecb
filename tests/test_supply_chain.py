# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Rules for what CI and images install and run: pinned, with hashes, with the least rights."""

from __future__ import annotations

import re
import runpy
import subprocess
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest
import setuptools
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.y*ml"))
DOCKERFILES = sorted((ROOT / "docker").iterdir())
LOCK = runpy.run_path(str(ROOT / "requirements" / "lock.py"))
LOCKED = sorted((ROOT / "requirements").glob("*.txt"))
PLATFORMS = [
    {
        "python_version": version,
        "python_full_version": f"{version}.7",
        "platform_machine": machine,
        "sys_platform": "linux",
        "platform_system": "Linux",
        "platform_python_implementation": "CPython",
        "implementation_name": "cpython",
        "os_name": "posix",
        "extra": "",
    }
    for version in ("3.10", "3.11", "3.12", "3.13")
    for machine in ("x86_64", "aarch64")
]
HERE = {"extra": ""}  # the platform of this process
# What each lock file contains: the extra of setup.py, the constraints, and the files below it.
CONTENTS = {
    "dev": ("dev", "constraints.txt", ("cuda",)),
    "rtx": ("rtx", "constraints.txt", ("dev",)),
    "docs": ("docs", "constraints.txt", ("dev",)),
    "fleet": ("fleet", "constraints.txt", ("dev",)),
    "jazzy": ("ros", "constraints-jazzy.txt", ("dev",)),
    "kilted": ("ros-kilted", "constraints-kilted.txt", ("dev",)),
}


def name_of(platform: dict[str, str]) -> str:
    return f"{platform['python_version']}-{platform['platform_machine']}"


def pins(name: str, platform: dict[str, str]) -> dict[str, str]:
    """Return the versions that a lock file installs on a platform, by package."""
    found: dict[str, str] = {}
    for line in LOCK["read"](ROOT / "requirements" / f"{name}.txt"):
        pin = Requirement(line)
        if pin.marker is None or pin.marker.evaluate(platform):
            assert pin.name not in found, f"{name}: {pin.name} has two versions on {platform}"
            found[canonicalize_name(pin.name)] = str(pin.specifier).removeprefix("==")
    return found


def requirements(extra: str) -> list[Requirement]:
    """Return the requirements of this package with an extra."""
    given: dict = {}
    original, setuptools.setup = setuptools.setup, lambda **fields: given.update(fields)
    try:
        runpy.run_path(str(ROOT / "setup.py"))
    finally:
        setuptools.setup = original
    return [Requirement(r) for r in given["install_requires"] + given["extras_require"][extra]]


# ------------------------------------------------------------------ workflows


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda f: f.name)
def test_a_workflow_may_only_read_the_repository(file):
    workflow = yaml.safe_load(file.read_text())
    assert workflow["permissions"] == {"contents": "read"}
    assert all("permissions" not in job for job in workflow["jobs"].values())
    steps = [step for job in workflow["jobs"].values() for step in job["steps"]]
    checkouts = [s["with"] for s in steps if s.get("uses", "").startswith("actions/checkout@")]
    assert checkouts and all(w["persist-credentials"] is False for w in checkouts)


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda f: f.name)
def test_actions_are_pinned_by_commit_and_name_their_version(file):
    uses = re.findall(r"uses:\s*(.*)", file.read_text())
    assert uses
    for action in uses:
        assert re.fullmatch(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}  # v\d+\.\d+\.\d+", action)


# ------------------------------------------------------------------ lock files


@pytest.mark.parametrize("file", LOCKED, ids=lambda f: f.name)
def test_a_lock_file_has_exact_versions_hashes_and_no_address(file):
    text = file.read_text()
    read = LOCK["read"](file)
    assert read
    for pin, lines in read.items():
        assert re.fullmatch(r"[a-z0-9-]+==[\w.!+]+( ; .+)?", pin)
        assert re.search(r"--hash=sha256:[0-9a-f]{64}(\s|$)", lines), pin
    options = re.findall(r"(?:^|\s)-\S*", re.sub(r"--hash=sha256:[0-9a-f]{64}", "", text))
    assert options == [] and not re.search(r"//|@|\.\w+/", text)


@pytest.mark.parametrize("platform", PLATFORMS, ids=name_of)
@pytest.mark.parametrize("name", CONTENTS)
def test_a_lock_file_agrees_with_setup_py_and_the_constraints(name, platform):
    extra, constraints, below = CONTENTS[name]
    locked = pins(name, platform)
    present = {k: v for other in below for k, v in pins(other, platform).items()} | locked
    for requirement in requirements(extra):
        if requirement.marker is None or requirement.marker.evaluate(platform):
            version = present.get(canonicalize_name(requirement.name))
            assert version, f"{requirement} is not locked; run make lock"
            assert requirement.specifier.contains(version), f"{requirement}: run make lock"
    for line in (ROOT / constraints).read_text().splitlines():
        pin = Requirement(line) if line and not line.startswith("#") else None
        if pin and (pin.marker is None or pin.marker.evaluate(platform)):
            version = locked.get(canonicalize_name(pin.name))
            assert version is None or pin.specifier.contains(version), f"{pin}: run make lock"
    assert not locked.keys() & {k for other in below for k in pins(other, platform)}


@pytest.mark.parametrize("build", ["cpu", "cuda"])
def test_the_packages_that_locked_packages_need_are_locked(build):
    """Files are installed without dependencies; a missing one would only show when imported."""
    missing = []
    locked = {**pins("dev", HERE), **pins(build, HERE)}
    for name in locked:
        try:
            requires = metadata.requires(name) or []
        except metadata.PackageNotFoundError:  # of the CUDA build, which is not installed
            assert name not in pins("dev", HERE)
            continue
        for text in requires:
            needed = Requirement(text)
            if needed.marker is None or needed.marker.evaluate(HERE):
                version = locked.get(canonicalize_name(needed.name))
                if version is None or not needed.specifier.contains(version, prereleases=True):
                    missing.append(f"{name}: {text}")
    assert missing == []


def test_the_two_builds_of_torch_have_one_version():
    assert "torch" not in pins("dev", PLATFORMS[0])
    for platform in PLATFORMS:
        assert pins("cpu", platform) == {"torch": pins("cuda", platform)["torch"] + "+cpu"}
    assert {"nvidia-cublas", "triton"} <= pins("cuda", PLATFORMS[0]).keys()


@pytest.mark.parametrize("target", [".installed-dev", ".installed-docs", "jazzy", "kilted", "apt"])
def test_make_installs_only_files_with_hashes(target, tmp_path):
    environment = f"{tmp_path}/venv"
    goal = f"{environment}/{target}" if target.startswith(".") else f".venv-{target}/.installed"
    command = ["make", "--dry-run", "--always-make", f"VENV={environment}", goal]
    printed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    installs = [line for line in printed.splitlines() if " install " in line]
    assert sum("--require-hashes" in line for line in installs) >= 2
    for line in installs:
        assert "--no-deps" in line
        assert "--require-hashes" in line or line.endswith("--no-build-isolation -e .")


def test_ci_uses_the_locked_environment():
    lines = (ROOT / ".ci" / "run").read_text().splitlines()
    commands = [line for line in lines if line and not line.startswith(("#", "set ", "cd "))]
    assert commands == ["make lint", "make test", "make docs", "make apt-check APT_INSTALL=1"]


# ------------------------------------------------------------------ images


def instructions(file: Path) -> Iterator[tuple[str, str]]:
    """Yield the instructions of a Dockerfile with their arguments."""
    text = re.sub(r"^#.*\n", "", file.read_text(), flags=re.MULTILINE)
    for line in re.sub(r"\\\n", " ", text).splitlines():
        if line.strip():
            word, _, rest = line.partition(" ")
            yield word, re.sub(r"\s+", " ", rest)


@pytest.mark.parametrize("file", DOCKERFILES, ids=lambda f: f.name)
def test_an_image_runs_as_an_ordinary_user_with_a_home(file):
    read = list(instructions(file))
    user = next(i for i, (word, _) in enumerate(read) if word == "USER")
    name = read[user][1]
    assert name not in ("root", "0") and [w for w, _ in read].count("USER") == 1
    created = next(rest for word, rest in read if word == "RUN" and "useradd" in rest)
    assert "--create-home" in created and created.endswith(f" {name}")
    assert f"HOME=/home/{name} " in next(r for w, r in read if w == "ENV" and "XDG_CACHE" in r)
    assert ("WORKDIR", f"/home/{name}") in read[user:]
    assert not [rest for word, rest in read[user:] if word in ("RUN", "COPY", "ADD")]


@pytest.mark.parametrize("file", DOCKERFILES, ids=lambda f: f.name)
def test_an_image_names_its_base_and_checks_its_downloads(file):
    read = list(instructions(file))
    defaults = dict(rest.split("=", 1) for word, rest in read if word == "ARG" and "=" in rest)
    for base in [rest for word, rest in read if word == "FROM"]:
        default = defaults[base.removeprefix("${").removesuffix("}")]
        assert re.fullmatch(r"[\w./-]+(:[\w.]+(-[\w.]+)+|@sha256:[0-9a-f]{64})", default)
        assert "latest" not in default
    assert not [rest for word, rest in read if word == "ADD"]
    for run in [rest for word, rest in read if word == "RUN"]:
        for step in re.split(r"&& (?=curl|wget)", run)[1:]:
            fetched, _, check = step.partition("&&")
            path = re.search(r"-o (\S+)", fetched)[1]
            digest = re.match(r' echo "\$(\w+) +(\S+)" \| sha256sum --check', check)
            assert digest and digest[2] == path
            assert re.fullmatch(r"[0-9a-f]{64}", defaults[digest[1]])
