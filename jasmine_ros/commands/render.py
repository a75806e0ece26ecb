# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""`jasmine render`: sequences and recordings of the procedural world."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Annotated, Literal

from jasmine_core.commands.options import Output, option
from jasmine_core.errors import ConfigError
from jasmine_core.interrupt import INTERRUPTED, Interrupt
from jasmine_core.locks import exclusive
from jasmine_core.synthetic.config import Kind, expect_seed

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class RenderRequest:
    """Render scenes of the procedural world as sequences with exact depth, into OUT/KIND_SEED.

    Scenes that exist already are kept, so the same command continues after an interruption. With
    --fleet it writes recordings of robots instead, of which some have faults; OUT/fleet.json lists
    them.
    """

    #: Folder of the sequences.
    output: Output
    #: World of the scenes: street and room are those of jasmine evaluate --world; road and
    #: indoor are larger, with distant objects, several kinds of weather and many cameras.
    kind: Kind = "street"
    #: Number of recordings of a fleet, of several worlds and cameras; --first is its seed.
    fleet: Annotated[int, option("N")] = 0
    #: World of nine of ten recordings of a fleet, as where robots repeat their routes; every
    #: tenth is of another world. With all, the world of each recording is drawn from the four.
    #: Robots that stand are always on a road or a street.
    common: Literal["all", Kind] = "all"
    #: Number of scenes.
    scenes: Annotated[int, option("N")] = 640
    #: Seed of the first scene; seeds from 1,000,000 on are reserved for tests.
    first: Annotated[int, option("SEED")] = 0
    #: Number of images of a scene, at 8 Hz; at least 3.
    frames: Annotated[int, option("N")] = 6
    #: Width of the images [px].
    width: Annotated[int, option("PIXELS")] = 320
    #: Height of the images [px].
    height: Annotated[int, option("PIXELS")] = 96
    #: Device that renders: cpu or cuda.
    device: Annotated[str, option("DEVICE")] = "cpu"

    def __post_init__(self) -> None:
        expect_seed(self.first, "--first")
        if self.scenes < 1:
            raise ConfigError(f"--scenes is {self.scenes}; it must be at least 1")
        if self.fleet < 0:
            raise ConfigError(f"--fleet is {self.fleet}; it must be at least 1")
        if self.common != "all" and not self.fleet:
            raise ConfigError(f"--common is {self.common}; it needs --fleet")
        if self.fleet and self.frames < 1:
            raise ConfigError(f"--frames is {self.frames}; a recording needs at least 1 image")


def render(request: RenderRequest) -> int:
    """Render the scenes that do not exist yet."""
    if request.fleet:
        return _render_fleet(request)
    from jasmine_core.synthetic.sequences import render_sequences, training_world

    world = training_world(request.kind, (request.width, request.height), request.frames)
    seeds = range(request.first, request.first + request.scenes)
    with exclusive(request.output), Interrupt() as interrupt:
        done = render_sequences(
            seeds, world, request.output, lambda: interrupt.requested, request.device
        )
    return _status(done)


def _render_fleet(request: RenderRequest) -> int:
    from jasmine_ros.bags.fleet import write_fleet

    with exclusive(request.output), Interrupt() as interrupt:
        done = write_fleet(
            request.fleet,
            request.first,
            request.frames,
            request.output,
            lambda: interrupt.requested,
            None if request.common == "all" else request.common,
        )
    return _status(done)


def _status(done: bool) -> int:
    if not done:
        _log.info("interrupted; the same command continues from here")
    return 0 if done else INTERRUPTED
