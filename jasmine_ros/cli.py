# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""The `jasmine` command line."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace
from io import TextIOWrapper
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Union

import tyro
from tyro.conf import CascadeSubcommandArgs, FlagCreatePairsOff, arg, subcommand

from jasmine_core import __version__
from jasmine_core.child import exit_without_cleanup, isolate
from jasmine_core.commands.calibrate import CalibrateRequest, calibrate
from jasmine_core.commands.convert import ConvertRequest, convert
from jasmine_core.commands.doctor import DoctorRequest, doctor
from jasmine_core.commands.export import ExportRequest, export
from jasmine_core.commands.pack import PackRequest, pack
from jasmine_core.commands.train import TrainRequest, train
from jasmine_core.config import read_config
from jasmine_core.errors import ConfigError, JasmineError, LostProcessError
from jasmine_core.interrupt import INTERRUPTED
from jasmine_core.report.origin import remember_command
from jasmine_core.store.paths import is_remote, url_of
from jasmine_ros.commands.console import console_log, one_line
from jasmine_ros.commands.demo import DemoRequest, demo
from jasmine_ros.commands.evaluate import EvaluateRequest, evaluate
from jasmine_ros.commands.live import LiveRequest, live
from jasmine_ros.commands.mine import MineRequest, mine
from jasmine_ros.commands.options import parameter_options
from jasmine_ros.commands.play import PlayRequest, play
from jasmine_ros.commands.prepare import PrepareRequest, prepare
from jasmine_ros.commands.render import RenderRequest, render
from jasmine_ros.commands.run import run
from jasmine_ros.commands.run_request import RunRequest
from jasmine_ros.commands.view import ViewRequest, view
from jasmine_ros.dds.ros_args import split_ros_arguments
from jasmine_ros.node.parameters import DepthParameters

# A command is a request, which tyro builds from the arguments, and a function that takes it and
# returns the exit status.
COMMANDS: dict[str, tuple[type, Callable[[Any], int]]] = {
    "calibrate": (CalibrateRequest, calibrate),
    "convert": (ConvertRequest, convert),
    "demo": (DemoRequest, demo),
    "doctor": (DoctorRequest, doctor),
    "evaluate": (EvaluateRequest, evaluate),
    "export": (ExportRequest, export),
    "live": (LiveRequest, live),
    "mine": (MineRequest, mine),
    "pack": (PackRequest, pack),
    "play": (PlayRequest, play),
    "prepare": (PrepareRequest, prepare),
    "render": (RenderRequest, render),
    "run": (RunRequest, run),
    "train": (TrainRequest, train),
    "view": (ViewRequest, view),
}
# Extra of the packages without which a command cannot run; "torch" for the others.
EXTRAS = {"train": "train", "convert": "convert"}
# Options that take URLs of object stores, and commands whose output may be in one.
IN_STORES = {"bag", "bags", "sequences", "segments"}
OUTPUT_IN_STORES = {"mine", "pack", "prepare", "run", "train"}
_LARGE = ("accelerate", "diffusers", "safetensors", "torch", "transformers")  # packages of extras
_Request: Any = Union[  # noqa: UP007
    tuple(Annotated[kind, subcommand(name)] for name, (kind, _) in COMMANDS.items())
]
_Flag = Annotated[bool, FlagCreatePairsOff, arg(help_behavior_hint="")]


@dataclass(frozen=True)
class Arguments:
    """Monocular depth for ROS 2. The options of a command are listed by jasmine COMMAND --help."""

    request: Annotated[_Request, arg(name="")]
    debug: Annotated[_Flag, CascadeSubcommandArgs] = False
    """Show the traceback of an error."""
    version: _Flag = False
    """Show the version and exit."""


def parse(arguments: list[str]) -> Arguments:
    """Parse the arguments; exit for --help and for wrong options, as argparse does."""
    return tyro.cli(
        Arguments,
        prog="jasmine",
        args=arguments,
        registry=parameter_options(_default_parameters(arguments)),
    )


def execute(request: Any) -> int:
    """Execute the command of a request; return the exit status."""
    ((name, function),) = (
        (name, function) for name, (kind, function) in COMMANDS.items() if type(request) is kind
    )
    _expect_on_disk(name, request)
    return function(request)


def _expect_on_disk(command: str, request: Any) -> None:
    """Raise ConfigError for the URL of a store in an option that takes paths of the disk only."""
    allowed = IN_STORES | ({"output"} if command in OUTPUT_IN_STORES else set())
    for option, value in vars(request).items():
        if option not in allowed and isinstance(value, Path) and is_remote(value):
            raise ConfigError(
                f"--{option.replace('_', '-')} of jasmine {command} is {url_of(value)}; it must "
                "be on the disk"
            )


def _default_parameters(arguments: list[str]) -> DepthParameters:
    """Read the file after --params: it has the defaults of other options, so it comes first."""
    for option, value in pairwise(arguments):
        if option == "--params":
            return read_config(DepthParameters, Path(value))
    return DepthParameters()


def main(argv: list[str] | None = None) -> int:
    """Run a command and return its status; an error is one line, with a traceback for --debug."""
    arguments, ros = split_ros_arguments(list(sys.argv[1:] if argv is None else argv))
    isolate()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # Names of files need not be UTF-8.
    if arguments[:1] == ["--version"]:
        print(f"jasmine {__version__}")
        return 0
    # OpenMP threads that spin while they wait slow the network down many times if another process
    # uses the CPU. OpenMP reads this variable once, when torch is imported.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    remember_command(list(sys.argv[1:] if argv is None else argv))
    try:
        request = parse(arguments).request
        if isinstance(request, LiveRequest):
            request = replace(request, ros_arguments=tuple(ros))
        elif ros:
            raise ConfigError("--ros-args can only be used with `jasmine live`")
        with console_log():
            return execute(request)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return INTERRUPTED
    except Exception as err:
        if "--debug" in arguments:
            traceback.print_exc()
        print(f"error: {one_line(_explain(err, arguments))}", file=sys.stderr)
        if isinstance(err, LostProcessError):  # The destructors of gloo and NCCL may abort then.
            exit_without_cleanup(1)
        return 1


def _explain(err: Exception, arguments: list[str]) -> str:
    """Return one line about an error of a command."""
    if isinstance(err, JasmineError):
        return str(err)
    if isinstance(err, ModuleNotFoundError) and err.name in _LARGE:
        command = next((word for word in arguments if word in COMMANDS), "")
        extra = EXTRAS.get(command, "torch")
        return f"jasmine {command} needs {err.name}; pip install 'jasmine_ros[{extra}]'"
    if isinstance(err, OSError):  # a full disk or a missing permission, not a bug
        return f"{err.filename or 'a file cannot be written'}: {err.strerror or err}"
    return f"{type(err).__name__}: {err} (this is a bug; --debug shows the traceback)"


if __name__ == "__main__":
    sys.exit(main())
