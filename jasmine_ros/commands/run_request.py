# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Options of `jasmine run`."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Annotated, Any, Literal

from jasmine_core.commands.options import Output, option
from jasmine_core.errors import ConfigError
from jasmine_ros.commands.options import (
    Calibration,
    Namespace,
    ParameterFile,
    Parameters,
    Recordings,
    ShardText,
    Topic,
    expect_recordings,
    expect_seconds,
)
from jasmine_ros.commands.pools import Pool, PoolOptions
from jasmine_ros.node.names import expect_namespace
from jasmine_ros.node.parameters import DepthParameters

_NOT_OPTIONS = (  # of a result
    "bags", "output", "shard", "workers", "pool", "overwrite", "params", "parameters",
)  # fmt: skip


@dataclass(frozen=True)
class RunRequest:
    """Run the depth node over recordings.

    Writes OUT/depth (a bag), OUT/report.html, OUT/preview.png and OUT/report.json. For several
    recordings, or a folder of them, it writes these into OUT/NAME and a summary into
    OUT/summary.html and OUT/summary.json; finished recordings are skipped, so the same command can
    be repeated.
    """

    #: Recordings: rosbag2 folders, .mcap or .db3 files, ROS 1 .bag files, or folders of these.
    bags: Recordings
    #: Folder of the results.
    output: Output
    #: Share of the recordings to process, for one of several machines: 2/8 is the second of eight.
    shard: ShardText = "1/1"
    #: Number of recordings that are processed at the same time.
    workers: Annotated[int, option("N")] = 1
    pool: Pool = field(default_factory=PoolOptions)
    #: Topic of the images; may be omitted if the recording has one camera.
    image: Topic = None
    #: Topic of the CameraInfo; by default the one beside the images.
    camera_info: Topic = None
    #: YAML file of camera_calibration, for a recording without CameraInfo.
    calibration: Calibration = None
    #: Namespace of the output topics.
    namespace: Namespace = ""
    #: Largest number of images to process; by default all.
    limit: Annotated[int | None, option("N")] = None
    #: Step between processed images: 1 processes each image, 2 every second one.
    every: Annotated[int, option("N")] = 1
    #: Time after the first image of the recording at which processing begins [s].
    start: Annotated[float | None, option("SECONDS", name="from")] = None
    #: Time after the first image of the recording at which processing ends [s].
    stop: Annotated[float | None, option("SECONDS", name="to")] = None
    #: Whether the topics of the recording are copied into the result.
    copy: bool = False
    #: Storage format of the resulting bag.
    storage: Literal["mcap", "sqlite3"] = "mcap"
    #: Whether the resulting bag is compressed with zstd.
    compress: bool = False
    #: Whether an earlier result in OUT is replaced.
    overwrite: bool = False
    #: YAML file with parameters of the node; options on the command line take precedence.
    params: ParameterFile = ""
    parameters: Parameters = field(default_factory=DepthParameters)

    def __post_init__(self) -> None:
        expect_recordings(self.bags, self.shard, self.workers)
        if self.every < 1:
            raise ConfigError(f"--every is {self.every}; it must be at least 1")
        expect_namespace(self.namespace)
        expect_seconds(self.start, "--from")
        expect_seconds(self.stop, "--to")
        if self.limit is not None and self.limit < 1:
            raise ConfigError(f"--limit is {self.limit}; it must be at least 1")

    @property
    def bag(self) -> Path:
        """The only recording of a request for one."""
        return self.bags[0]


def options_of(request: RunRequest) -> dict[str, Any]:
    """Return the options that differ from their defaults, but for the paths of a run."""
    found: dict[str, Any] = {}
    for part, default in ((request, None), (request.parameters, DepthParameters())):
        for spec in fields(part):
            value = getattr(part, spec.name)
            usual = spec.default if default is None else getattr(default, spec.name)
            if spec.name not in _NOT_OPTIONS and value != usual:
                found[spec.name] = str(value) if isinstance(value, Path) else value
    return found
