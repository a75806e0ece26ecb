# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Work on many recordings: one after the other, in processes, or on the machines of a cluster."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any, Generic, Literal, Protocol, TypeVar

from tqdm import tqdm
from tyro.conf import OmitArgPrefixes, arg

from jasmine_core.commands.options import option
from jasmine_core.errors import ConfigError
from jasmine_ros.commands.console import one_line

Stop = Callable[[], bool]
Send = Callable[[Any], None]
LOST = (
    "its process ended unexpectedly, perhaps because memory ran out; repeat the command, perhaps "
    "with fewer --workers"
)


class Named(Protocol):
    """Job that is about one recording."""

    @property
    def bag(self) -> Path:
        """Path of the recording."""


Job = TypeVar("Job", bound=Named)


@dataclass(frozen=True)
class Outcome:
    """Outcome of one recording, with a line for the user."""

    text: str
    failed: bool = False
    interrupted: bool = False
    folder: Path | None = None  # of the complete result

    def show(self) -> None:
        """Print the line above the progress bar."""
        if self.failed:
            tqdm.write(f"error: {one_line(self.text)}", file=sys.stderr)
        else:
            tqdm.write(one_line(self.text))


@dataclass(frozen=True)
class Work(Generic[Job]):
    """Kind of work on recordings, which other processes can do.

    Args:
        function: function of a module that does a job; it gets the job, a function that sends its
            progress, and a function that returns True when it has to stop.
        lost: makes the outcome of a job whose process ended without one, from the job and the
            reason.
    """

    function: Callable[[Job, Send, Stop], Outcome]
    lost: Callable[[Job, str], Outcome]


@dataclass(frozen=True)
class PoolOptions:
    """Options of the workers of a command for many recordings."""

    #: Engine of the workers: processes of this machine, or Ray, which can use many machines.
    engine: Annotated[Literal["processes", "ray"], option("{processes,ray}")] = "processes"
    #: Address of a running Ray cluster, such as auto or 10.0.0.1:6379; by default --engine ray
    #: uses this machine alone.
    address: Annotated[str | None, option("HOST:PORT")] = None
    #: Number of processor cores of a worker of Ray; by default 1 in a cluster, and a share of this
    #: machine without one.
    cores: Annotated[int | None, option("N")] = None

    def __post_init__(self) -> None:
        if self.engine != "ray":
            for name in ("address", "cores"):
                if getattr(self, name) is not None:
                    raise ConfigError(f"--{name} needs --engine ray")
            return
        if self.cores is not None and self.cores < 1:
            raise ConfigError(f"--cores is {self.cores}; it must be at least 1")
        if self.address is not None and ("://" in self.address or not self.address):
            raise ConfigError(
                f"--address is {self.address!r}; start the command on a machine of the cluster "
                "with --address auto, or give HOST:PORT"
            )


Pool = Annotated[PoolOptions, arg(name=""), OmitArgPrefixes]


def work_on(
    jobs: list[Job],
    work: Work[Job],
    workers: int,
    options: PoolOptions,
    stop: Stop,
    *,
    gpu: bool = False,
    progress: Callable[[Job, Any], None] = lambda job, content: None,
) -> Iterator[Outcome]:
    """Do all jobs and yield their outcomes in the order in which they come.

    Args:
        jobs: the jobs; at most `workers` are in progress at a time.
        work: the kind of work.
        workers: largest number of processes.
        options: engine of the processes.
        stop: returns True to end the jobs in progress early and to start no other.
        gpu: whether a worker gets a GPU of its own where a Ray cluster has some.
        progress: called with a job and what it sends as progress.

    Raises:
        ConfigError: the engine is not installed.
    """
    if not jobs:
        return
    if options.engine == "ray":
        if find_spec("ray") is None:
            raise ConfigError(
                "--engine ray needs the package ray; pip install 'jasmine_ros[fleet]'"
            )
        from jasmine_ros.commands.ray_pool import RayPool

        yield from RayPool(work, workers, options, gpu)(jobs, stop)
    elif workers > 1 and len(jobs) > 1:
        from jasmine_ros.commands.worker_pool import WorkerPool

        yield from WorkerPool(work, workers, progress)(jobs, stop)
    else:
        for job in jobs:
            if stop():
                return
            outcome = work.function(job, partial(progress, job), stop)
            yield outcome
            if outcome.interrupted:
                return
