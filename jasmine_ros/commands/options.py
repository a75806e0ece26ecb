# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Command-line options that several commands share, and those of the node's parameters."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any, Literal, get_type_hints

from tyro.conf import Positional, arg
from tyro.constructors import (
    ConstructorRegistry,
    StructConstructorSpec,
    StructFieldSpec,
    StructTypeInfo,
)

from jasmine_core.commands.options import option
from jasmine_core.errors import ConfigError
from jasmine_core.shard import Shard
from jasmine_ros.node.parameters import DepthParameters

Recording = Annotated[Positional[Path], arg(metavar="BAG")]
Recordings = Annotated[
    Positional[tuple[Path, ...]],
    arg(metavar="BAG [BAG ...]", help_behavior_hint="(required)"),
]
ShardText = Annotated[str, option("I/N")]
Topic = Annotated[str | None, option("TOPIC")]
Calibration = Annotated[Path | None, option("FILE")]
Namespace = Annotated[str, option("NAME")]
Domain = Annotated[int | None, option("ID")]
Interface = Annotated[str | None, option("NAME")]
Seconds = Annotated[float | None, option("SECONDS")]
LONGEST = 1e10  # [s] of an option, more than three centuries
ParameterFile = Annotated[str, option("FILE")]
Parameters = Annotated[DepthParameters, arg(name="")]  # options without a prefix


def expect_seconds(seconds: float | None, name: str) -> None:
    """Raise ConfigError for a number of seconds that is not finite, or far too large."""
    if seconds is not None and not abs(seconds) <= LONGEST:
        raise ConfigError(f"{name} is {seconds}; it must be a number of seconds")


def expect_duration(seconds: float | None, name: str) -> None:
    """Raise ConfigError for a duration that is not finite, far too large, or not above 0."""
    expect_seconds(seconds, name)
    if seconds is not None and seconds <= 0:
        raise ConfigError(
            f"{name} is {seconds:g}; it must be above 0, or be left out to run until Ctrl-C"
        )


def expect_recordings(bags: tuple[Path, ...], shard: str, workers: int) -> None:
    """Raise ConfigError if options of a command for several recordings cannot be used."""
    if not bags:
        raise ConfigError("no recording is given; add one or more")
    Shard.parse(shard)
    if workers < 1:
        raise ConfigError(f"--workers is {workers}; it must be at least 1")


def parameter_options(base: DepthParameters) -> ConstructorRegistry:
    """Return the rule by which tyro makes an option of each parameter; `base` has the defaults."""
    registry = ConstructorRegistry()
    hints = get_type_hints(DepthParameters)

    @registry.struct_rule
    def options(info: StructTypeInfo) -> StructConstructorSpec | None:
        if info.type is not DepthParameters:
            return None
        specs = []
        for spec in fields(DepthParameters):
            choices = spec.metadata["choices"]
            kind: Any = Literal[choices] if choices else hints[spec.name]
            if kind is str:
                kind = Annotated[kind, option(spec.name.rpartition("_")[2].upper())]
            specs.append(
                StructFieldSpec(
                    spec.name, kind, getattr(base, spec.name), spec.metadata["description"]
                )
            )
        return StructConstructorSpec(DepthParameters, tuple(specs))

    return registry
