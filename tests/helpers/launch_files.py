# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Launch files, run by the real `launch` where it is installed, and by fakes elsewhere.

The real one starts executables that record their arguments in place of the node, RViz and `ros2`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

from helpers import fake_launch
from helpers.fake_launch import SHARE, FakeExecuteProcess, FakeNode, FakeRegisterEventHandler

from jasmine_ros.node.rviz_layout import configured

LIMIT = 300  # [s] for a launch on a busy machine
EXECUTABLES = {"jasmine_ros": "depth_node", "rviz2": "rviz2"}  # by package
LOG = (  # of the node
    "[INFO] [1.2] [depth]: loading jasmine-tiny",
    "[INFO] [1.2] [depth]: subscribed to /image; depth on /depth/image_rect",
    "[INFO] [1.2] [depth]: subscribed to /image; depth on /depth/image_rect",
)

_LAUNCH = """
import sys
from launch import LaunchDescription, LaunchService
from launch.actions import IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource

path, *given = sys.argv[1:]
file = PythonLaunchDescriptionSource(path)
arguments = [tuple(word.split(":=", 1)) for word in given]
service = LaunchService()
service.include_launch_description(
    LaunchDescription([IncludeLaunchDescription(file, launch_arguments=arguments)])
)
sys.exit(service.run())
"""
_RECORDER = """#!{python}
import json, sys
with open({record!r}, "a") as file:
    file.write(json.dumps([{name!r}, *sys.argv[1:]]) + "\\n")
for line in {log!r}:
    print(line, flush=True)
"""


@dataclass(frozen=True)
class Started:
    """A process that a launch file started."""

    executable: str
    arguments: list[str]

    @property
    def parameters(self) -> dict[str, Any]:
        """Return the parameters of a node; later files override earlier ones."""
        words, values = self.arguments, {}
        for option, file in pairwise(words):
            if option == "--params-file":
                values |= configured(file)
        return values

    @property
    def remappings(self) -> set[str]:
        """Return the remappings, those of the node's name and namespace included."""
        words = self.arguments
        return {rule for option, rule in pairwise(words) if option == "-r"}


def installed() -> bool:
    """Return whether the real `launch_ros` can be imported."""
    return find_spec("launch_ros") is not None


def load(path: Path) -> Any:
    """Execute a launch file and return its module."""
    if not installed():
        return fake_launch.load(path)
    module = ModuleType(path.stem)
    exec(compile(path.read_text(), str(path), "exec"), vars(module))
    return module


def arguments(path: Path) -> list[tuple[str, str]]:
    """Return the names and descriptions of the arguments that a launch file declares itself."""
    kind: Any = fake_launch.FakeDeclareLaunchArgument
    if installed():
        from launch.actions import DeclareLaunchArgument as kind
    entities = load(path).generate_launch_description().entities
    declared = [e for e in entities if isinstance(e, kind)]
    # The real one adds the choices to the description.
    return [(e.name, e.description.partition(" Valid choices are")[0]) for e in declared]


def launch(path: Path, folder: Path, log: Sequence[str] = LOG, **given: str) -> list[Started]:
    """Run a launch file; return the processes that it started, in order.

    Args:
        path: launch file.
        folder: existing folder for files of parameters.
        log: lines that the depth node prints.
        given: arguments of the launch file.

    Raises:
        AssertionError: launch refuses the arguments.
    """
    return (_real if installed() else _fake)(path, folder, log, given)


def _fake(path: Path, folder: Path, log: Sequence[str], given: dict[str, str]) -> list[Started]:
    context, entities = fake_launch.launch(path, **given)
    started = []
    for entity in entities:
        if isinstance(entity, FakeNode):
            assert EXECUTABLES[entity.package] == entity.executable
            started.append(Started(entity.executable, entity.argv(context, folder)))
    handlers = [e.handler for e in entities if isinstance(e, FakeRegisterEventHandler)]
    entities += [e for handler in handlers for e in fake_launch.output(handler, log)]
    commands = [e.cmd for e in entities if isinstance(e, FakeExecuteProcess)]
    return started + [Started(name, words) for name, *words in commands]


def _real(path: Path, folder: Path, log: Sequence[str], given: dict[str, str]) -> list[Started]:
    prefix, record = folder / "prefix", folder / "started.json"
    for package, name in EXECUTABLES.items():
        _record_calls(prefix / "lib" / package / name, record, log if name == "depth_node" else ())
        marker = prefix / "share" / "ament_index" / "resource_index" / "packages" / package
        marker.parent.mkdir(parents=True, exist_ok=True)
        marker.touch()
        (prefix / "share" / package).mkdir(exist_ok=True)
    _record_calls(prefix / "bin" / "ros2", record, ())
    for name in ("launch", "config"):
        (prefix / "share" / "jasmine_ros" / name).symlink_to(SHARE / name)
    record.touch()
    words = [f"{name}:={value}" for name, value in given.items()]
    environment = os.environ | {
        "AMENT_PREFIX_PATH": str(prefix),
        "PATH": f"{prefix / 'bin'}:{os.environ['PATH']}",
        "PYTHONPATH": f"{SHARE}:{os.environ.get('PYTHONPATH', '')}",
        "ROS_LOG_DIR": str(folder / "log"),
    }
    done = subprocess.run(
        [sys.executable, "-c", _LAUNCH, str(path), *words],
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=LIMIT,
    )
    assert done.returncode == 0 and "Traceback" not in done.stderr, done.stdout + done.stderr
    calls = [json.loads(line) for line in record.read_text().splitlines()]
    order = ["rviz2", "depth_node", "ros2"]  # They are started at the same time.
    return sorted(
        (Started(name, words) for name, *words in calls), key=lambda s: order.index(s.executable)
    )


def _record_calls(executable: Path, record: Path, log: Sequence[str]) -> None:
    """Write an executable that records its arguments and prints some lines."""
    executable.parent.mkdir(parents=True)
    values = {"python": sys.executable, "record": str(record), "name": executable.name}
    executable.write_text(_RECORDER.format(**values, log=list(log)))
    executable.chmod(0o755)
