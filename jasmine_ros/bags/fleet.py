# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Rendered recordings of a fleet of robots: several cameras and places, some with faults.

FLEET/fleet.json              [{"name": "road_0003", "kind": "road", "fault": "standing"}, ...]
FLEET/road_0003/              a rosbag2 folder
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from tqdm import tqdm

from jasmine_core.files import atomic_file, atomic_folder
from jasmine_core.outputs import expect_own, record
from jasmine_core.synthetic.config import Kind, Rng, WorldConfig
from jasmine_ros.bags.rosbag2_folder import METADATA
from jasmine_ros.bags.synthetic import write_world_bag

Fault = Literal["none", "standing", "truncated", "no_metadata"]
KINDS: tuple[Kind, ...] = ("street", "road", "road", "indoor", "room")
# One of five recordings has a fault: the robot stood still, the disk was full, or the recorder was
# killed before it wrote the metadata.
FAULTS: tuple[Fault, ...] = (*("none",) * 16, "standing", "standing", "truncated", "no_metadata")
SIZES = ((320, 96), (256, 144), (256, 192))  # [px]
INDEX = "fleet.json"


@dataclass(frozen=True)
class Member:
    """Recording of a fleet: its name, its world, and what is wrong with it."""

    name: str
    seed: int
    kind: Kind
    fault: Fault
    size: tuple[int, int]  # width, height [px]
    rate: float  # [Hz]
    storage: str


def members(count: int, seed: int, common: Kind | None = None) -> list[Member]:
    """Return the recordings of a fleet; a larger fleet begins with those of a smaller one.

    Args:
        count: number of recordings.
        seed: seed of the fleet.
        common: world of nine of ten recordings, as where robots repeat their routes; every tenth
            is of another world. None for all worlds alike.
    """
    found = []
    for number in range(count):
        rng = Rng(seed, f"fleet {number}")
        kind = rng.choice(KINDS)
        if common:
            others = [other for other in dict.fromkeys(KINDS) if other != common]
            kind = others[number // 10 % len(others)] if number % 10 == 9 else common
        fault = rng.choice(FAULTS)
        if fault == "standing" and kind in ("room", "indoor"):
            kind = "road"  # A hand never holds still.
        found.append(
            Member(
                f"{kind}_{number:04}",
                rng.randrange(1 << 40),
                kind,
                fault,
                rng.choice(SIZES),
                rng.choice((5.0, 10.0)),
                rng.choice(("mcap", "mcap", "sqlite3")),
            )
        )
    return found


def write_fleet(
    count: int,
    seed: int,
    frames: int,
    folder: Path,
    stop: Callable[[], bool] = lambda: False,
    common: Kind | None = None,
) -> bool:
    """Render the recordings that do not exist yet; return false if `stop` ended it early.

    Args:
        count: number of recordings.
        seed: seed of the fleet, which decides everything.
        frames: number of images of a recording.
        folder: folder of the recordings.
        stop: returns true to end after the present recording.
        common: world of nine of ten recordings.
    """
    fleet = members(count, seed, common)
    expect_own(folder, INDEX)
    with atomic_file(folder / INDEX) as temporary:
        temporary.write_text(json.dumps([asdict(m) for m in fleet], indent=1) + "\n")
    record(folder, INDEX)
    for member in tqdm(fleet, unit="recording", desc="render"):
        if stop():
            return False
        if not (folder / member.name).exists():
            _write(member, frames, folder)
    return True


def _write(member: Member, frames: int, folder: Path) -> None:
    width, height = member.size
    world = WorldConfig(
        kind=member.kind, width=width, height=height, frames=frames, rate=member.rate,
        fov=(60.0, 90.0), moving_objects=True, standing=float(member.fault == "standing"),
        texture_banks=1,
    )  # fmt: skip
    with atomic_folder(folder / member.name) as temporary:
        bag = temporary / member.name  # The files of a bag have the name of its folder.
        write_world_bag(member.seed, world, bag, storage=member.storage)
        if member.fault == "truncated":
            for file in bag.iterdir():
                if file.name != METADATA:
                    os.truncate(file, file.stat().st_size // 2)
        if member.fault == "no_metadata":
            (bag / METADATA).unlink()
        for file in list(bag.iterdir()):
            file.rename(temporary / file.name)
        bag.rmdir()
