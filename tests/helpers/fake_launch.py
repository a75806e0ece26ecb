# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Fakes of the parts of `launch` and `launch_ros` that the launch files use, without ROS.

Each class accepts the arguments in the documentation of the real class and refuses others. A launch
file that can be read with the fakes is well formed; only a test with ROS 2 shows that it starts.
`launch_files.py` uses the real packages where they are installed.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import yaml

SHARE = Path(__file__).parents[2]  # in place of the share folder of the package


class FakeContext:
    """Launch configurations."""

    def __init__(self, given: Mapping[str, str]) -> None:
        self.given, self.configurations = dict(given), dict(given)


class FakeSubstitution:
    def perform(self, context: FakeContext) -> str:
        raise NotImplementedError


def performed(value: Any, context: FakeContext) -> str:
    """Resolve text, a substitution, or a list of both."""
    if isinstance(value, str):
        return value
    if isinstance(value, FakeSubstitution):
        return value.perform(context)
    assert isinstance(value, (list, tuple)), f"{value!r} is not a substitution"
    return "".join(performed(each, context) for each in value)


@dataclass
class FakeLaunchConfiguration(FakeSubstitution):
    name: str

    def perform(self, context: FakeContext) -> str:
        return context.configurations[self.name]  # fails if it is not declared, as the real one


@dataclass
class FakeFindPackageShare(FakeSubstitution):
    package: str

    def perform(self, context: FakeContext) -> str:
        assert self.package == "jasmine_ros"
        return str(SHARE)


@dataclass
class FakePathJoin(FakeSubstitution):
    substitutions: Iterable[Any]

    def perform(self, context: FakeContext) -> str:
        return str(Path(*(performed(each, context) for each in self.substitutions)))


@dataclass
class FakeDeclareLaunchArgument:
    name: str
    default_value: Any = field(default=None, kw_only=True)
    description: str | None = field(default=None, kw_only=True)
    choices: list[str] | None = field(default=None, kw_only=True)

    def run(self, context: FakeContext) -> list[Any]:
        if self.name not in context.configurations:
            assert self.default_value is not None, f"{self.name} must be given"
            context.configurations[self.name] = performed(self.default_value, context)
        value = context.configurations[self.name]
        assert self.choices is None or value in self.choices, f"{self.name}:={value}"
        return []


@dataclass(kw_only=True)
class FakeOpaqueFunction:
    function: Any
    args: Iterable[Any] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)

    def run(self, context: FakeContext) -> list[Any]:
        return self.function(context, *self.args, **self.kwargs) or []


@dataclass
class FakePythonSource:
    location: Any


@dataclass
class FakeInclude:
    source: FakePythonSource
    launch_arguments: Iterable[tuple[Any, Any]] = field(default=(), kw_only=True)

    def run(self, context: FakeContext) -> list[Any]:
        for name, value in self.launch_arguments:
            context.configurations[name] = performed(value, context)
        path = Path(performed(self.source.location, context))
        return load(path).generate_launch_description().entities


@dataclass(kw_only=True)
class FakeExecuteProcess:
    cmd: list[Any]
    output: str = "log"

    def run(self, context: FakeContext) -> list[Any]:
        return []


@dataclass(kw_only=True)
class FakeOnProcessIO:
    on_stdout: Any = None
    on_stderr: Any = None


@dataclass
class FakeRegisterEventHandler:
    handler: FakeOnProcessIO

    def run(self, context: FakeContext) -> list[Any]:
        return []


@dataclass(kw_only=True)
class FakeNode:
    executable: Any
    package: Any = None
    name: Any = None
    namespace: Any = None
    parameters: list[Any] = field(default_factory=list)
    remappings: list[tuple[Any, Any]] = field(default_factory=list)
    arguments: list[Any] = field(default_factory=list)
    output: str = "log"
    emulate_tty: bool = False

    def run(self, context: FakeContext) -> list[Any]:
        return []

    def argv(self, context: FakeContext, folder: Path) -> list[str]:
        """Return the arguments of the executable; a dict of parameters is written to a file."""
        result = [performed(each, context) for each in self.arguments] + ["--ros-args"]
        result += ["-r", f"__node:={performed(self.name, context)}"]
        if namespace := performed(self.namespace, context):
            result += ["-r", f"__ns:=/{namespace.strip('/')}"]
        for index, parameters in enumerate(self.parameters):
            path = folder / f"parameters_{index}.yaml"
            if isinstance(parameters, dict):
                path.write_text(yaml.dump({"/**": {"ros__parameters": parameters}}))
            else:
                path = Path(performed(parameters, context))
            result += ["--params-file", str(path)]
        for before, after in self.remappings:
            result += ["-r", f"{performed(before, context)}:={performed(after, context)}"]
        return result


@dataclass
class FakeLaunchDescription:
    entities: list[Any]


FAKES: dict[str, dict[str, Any]] = {
    "ament_index_python": {},
    "ament_index_python.packages": {"get_package_share_directory": lambda package: str(SHARE)},
    "launch": {"LaunchDescription": FakeLaunchDescription},
    "launch.actions": {
        "DeclareLaunchArgument": FakeDeclareLaunchArgument,
        "ExecuteProcess": FakeExecuteProcess,
        "IncludeLaunchDescription": FakeInclude,
        "OpaqueFunction": FakeOpaqueFunction,
        "RegisterEventHandler": FakeRegisterEventHandler,
    },
    "launch.event_handlers": {"OnProcessIO": FakeOnProcessIO},
    "launch.launch_description_sources": {"PythonLaunchDescriptionSource": FakePythonSource},
    "launch.substitutions": {
        "LaunchConfiguration": FakeLaunchConfiguration,
        "PathJoinSubstitution": FakePathJoin,
    },
    "launch_ros": {},
    "launch_ros.actions": {"Node": FakeNode},
    "launch_ros.substitutions": {"FindPackageShare": FakeFindPackageShare},
}


@contextmanager
def fakes_in_place() -> Any:
    """Replace the modules of ROS by the fakes inside a block."""
    before = {name: sys.modules.pop(name, None) for name in FAKES}
    for name, members in FAKES.items():
        sys.modules[name] = ModuleType(f"{name} (a fake of the tests)")
        vars(sys.modules[name]).update(members)
    try:
        yield
    finally:
        for name, module in before.items():
            del sys.modules[name]
            if module is not None:
                sys.modules[name] = module


def load(path: Path) -> Any:
    """Execute a launch file with the fakes and return its module."""
    module = ModuleType(path.stem)
    with fakes_in_place():
        exec(compile(path.read_text(), str(path), "exec"), vars(module))
    return module


def launch(path: Path, **given: str) -> tuple[FakeContext, list[Any]]:
    """Run a launch file with arguments; return its context and all its entities."""
    context, found = FakeContext(given), []
    waiting = list(load(path).generate_launch_description().entities)
    while waiting:
        entity = waiting.pop(0)
        found.append(entity)
        waiting = list(entity.run(context)) + waiting
    return context, found


def output(handler: FakeOnProcessIO, lines: Iterable[str]) -> list[Any]:
    """Return the entities that a handler starts for lines on the output of a process."""
    events = [SimpleNamespace(text=f"{line}\n".encode()) for line in lines]
    started = [handler.on_stdout(event) for event in events if handler.on_stdout]
    started += [handler.on_stderr(event) for event in events if handler.on_stderr]
    return [entity for entity in started if entity is not None]
