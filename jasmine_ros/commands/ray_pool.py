# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Pool of Ray actors, on this machine or in a cluster, which work on one recording at a time.

Ray places the actors and reports those that died. This module decides which recording an actor gets
and how often a recording is tried, so that a recording never waits for one machine.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partialmethod
from importlib import import_module
from pathlib import Path
from threading import Event
from time import monotonic
from typing import Any, Generic

from tqdm import tqdm

import jasmine_core
from jasmine_core import __version__
from jasmine_core.errors import JasmineError
from jasmine_ros.commands.pools import Job, Outcome, PoolOptions, Stop, Work
from jasmine_ros.commands.ray_folder import ray_folder

ATTEMPTS = 3  # of a recording whose worker dies, and of the start of the workers in a row
_WAIT = 0.2  # [s] between two looks at `stop`
_PATIENCE = 30.0  # [s] without any worker until the log has a warning
_CONNECT = 20.0  # [s] until an address without an answer is an error
_STORE = 80 << 20  # [bytes] of a local object store; jobs and outcomes need some kilobytes
_log = logging.getLogger(__name__)


class Worker:
    """Actor that does one job after the other; `stop` ends the present one early.

    Args:
        module: module of the function that does a job.
        name: name of the function.
        folder: working directory, to which the paths of the jobs are relative.
    """

    def __init__(self, module: str, name: str, folder: str) -> None:
        # The output of actors goes to files of Ray, which have no room for progress bars. Ray has
        # imported tqdm already, so that its environment variable would come too late.
        tqdm.__init__ = partialmethod(tqdm.__init__, disable=True)  # type: ignore[assignment]
        try:
            os.chdir(folder)
        except OSError as err:
            raise JasmineError(
                f"the working directory {folder} does not exist on {os.uname().nodename}; start "
                "the command in a folder that all machines share"
            ) from err
        import cv2

        cv2.setNumThreads(1)
        self._function = getattr(import_module(module), name)
        self._stop = Event()

    def version(self) -> tuple[str, str]:
        """Return the name of the machine and the version of this package on it."""
        return os.uname().nodename, __version__

    def work(self, job: Any) -> Outcome:
        """Do a job."""
        outcome: Outcome = self._function(job, lambda content: None, self._stop.is_set)
        return outcome

    def stop(self) -> None:
        """End the present job early."""
        self._stop.set()


@dataclass(frozen=True)
class _Task(Generic[Job]):
    job: Job
    attempt: int  # from 1


class RayPool(Generic[Job]):
    """Pool of actors for one kind of work.

    Args:
        work: the kind of work.
        workers: largest number of actors; each has one job at a time.
        options: address of the cluster and cores of an actor.
        gpu: whether an actor gets a GPU of its own if the cluster has some.
    """

    def __init__(self, work: Work[Job], workers: int, options: PoolOptions, gpu: bool) -> None:
        here = max(1, len(os.sched_getaffinity(0)) // workers)
        self._cores = options.cores or (1 if options.address else here)
        self._work, self._workers, self._address, self._gpu = work, workers, options.address, gpu
        self._todo: deque[_Task[Job]] = deque()
        self._starting: dict[Any, Any] = {}  # actors by the reference to their version
        self._running: dict[Any, tuple[Any, _Task[Job]]] = {}  # by the reference to the outcome
        self._idle: list[Any] = []
        self._failures = 0  # starts in a row

    def __call__(self, jobs: Sequence[Job], stop: Stop) -> Iterator[Outcome]:
        """Yield the outcomes in the order in which they come; start no job after `stop`."""
        self._todo = deque(_Task(job, 1) for job in jobs)
        with _cluster(self._address, self._cores * self._workers) as ray:
            actor, stopped, working = self._actor(ray), False, monotonic()
            while self._todo or self._running:
                if stop() and not stopped:
                    stopped = True
                    self._todo.clear()
                    for worker, _ in self._running.values():
                        worker.stop.remote()
                self._assign(actor)
                if self._running or stopped:
                    working = monotonic()
                elif monotonic() - working > _PATIENCE:
                    working = monotonic()
                    _log.warning(
                        "no worker with %d cores could be started yet; the cluster has %s",
                        self._cores,
                        ray.cluster_resources(),
                    )
                pending = [*self._running, *self._starting]
                for reference in ray.wait(pending, timeout=_WAIT)[0] if pending else []:
                    if reference in self._starting:
                        self._started(ray, reference)
                    elif (outcome := self._finished(ray, reference, stopped)) is not None:
                        yield outcome

    def _actor(self, ray: Any) -> Any:
        """Return the class of the actors with the resources of one."""
        gpus = 1 if self._gpu and ray.cluster_resources().get("GPU", 0) >= 1 else 0
        return ray.remote(Worker).options(
            num_cpus=self._cores,
            num_gpus=gpus,
            max_restarts=0,
            max_concurrency=2,  # `stop` runs beside `work`.
        )

    def _assign(self, actor: Any) -> None:
        """Give jobs to the idle actors, and start actors for the others."""
        while self._todo and self._idle:
            worker, task = self._idle.pop(), self._todo.popleft()
            self._running[worker.work.remote(task.job)] = worker, task
        function = self._work.function
        for _ in range(len(self._todo) - len(self._starting)):
            if len(self._running) + len(self._starting) >= self._workers:
                break
            worker = actor.remote(function.__module__, function.__name__, str(Path.cwd()))
            self._starting[worker.version.remote()] = worker

    def _started(self, ray: Any, reference: Any) -> None:
        worker = self._starting.pop(reference)
        try:
            machine, version = ray.get(reference)
        except ray.exceptions.RayError as err:
            self._failures += 1
            if self._failures < ATTEMPTS:  # Its machine may have been lost.
                return
            raise JasmineError(f"the workers of Ray cannot be started: {_last_line(err)}") from err
        if version != __version__:
            raise JasmineError(
                f"{machine} has jasmine_ros {version}, this machine has {__version__}; install "
                "the same version on all machines of the cluster"
            )
        self._failures = 0
        self._idle.append(worker)

    def _finished(self, ray: Any, reference: Any, stopped: bool) -> Outcome | None:
        """Return the outcome of a job; None if it is tried again."""
        worker, task = self._running.pop(reference)
        try:
            outcome: Outcome = ray.get(reference)
        except ray.exceptions.RayTaskError as err:  # The function raised an error.
            self._idle.append(worker)
            return self._work.lost(task.job, f"{_last_line(err)} (this is a bug)")
        except ray.exceptions.RayError as err:
            reason = f"its worker died: {_first_line(err)}"
            if task.attempt >= ATTEMPTS or stopped:
                return self._work.lost(
                    task.job, f"{reason}; repeat the command, perhaps with fewer --workers"
                )
            _log.warning("%s is tried again: %s", task.job.bag, reason)
            self._todo.appendleft(_Task(task.job, task.attempt + 1))
            return None
        self._idle.append(worker)
        return outcome


@contextmanager
def _cluster(address: str | None, cores: int) -> Iterator[Any]:
    """Connect to a cluster, or start one on this machine; yield the module of Ray.

    A local cluster listens on the loopback interface only, has no dashboard, and leaves no file but
    the token of the user, `~/.ray/auth_token`. The next one removes the folder of a killed command.
    """
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    # Ray warns about a future default of an environment variable that no job depends on.
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    if address is None:
        os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"  # the node's address is 127.0.0.1
    else:
        _expect_answer(address)
    import ray

    with ray_folder() as folder:
        local: dict[str, Any] = {
            "address": "local",
            "num_cpus": cores,
            "include_dashboard": False,
            "object_store_memory": _STORE,
            "_temp_dir": str(folder),
        }
        try:
            # Ray imports from the working directory in its workers, and replaces signal handlers.
            with _working_directory(Path(jasmine_core.__file__).parents[1]), _kept_handlers():
                ray.init(
                    **(local if address is None else {"address": address}),
                    logging_level=logging.ERROR,
                    log_to_driver=False,
                )
        # Ray raises this class itself, for instance when it waits too long.
        except Exception as err:
            if _refuses_token(err):
                raise JasmineError(
                    f"the Ray cluster at {address} refuses the token, or needs one: set "
                    "RAY_AUTH_MODE=token, and RAY_AUTH_TOKEN to the token of the cluster unless "
                    "~/.ray/auth_token has it"
                ) from err
            place = "cannot be started here" if address is None else f"has no cluster at {address}"
            raise JasmineError(f"Ray {place}: {_first_line(err)}") from err
        try:
            yield ray
        finally:
            ray.shutdown()


def _expect_answer(address: str) -> None:
    """Raise JasmineError if nothing listens at HOST:PORT, for which Ray would look for minutes."""
    host, _, port = address.rpartition(":")
    if not (host and port.isdecimal()):  # such as auto
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), _CONNECT).close()
    except (OSError, OverflowError) as err:
        raise JasmineError(f"Ray has no cluster at {address}: {err}") from err


@contextmanager
def _working_directory(folder: Path) -> Iterator[None]:
    """Change the working directory inside the block; the present one may have been removed."""
    here = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    os.chdir(folder)
    try:
        yield
    finally:
        os.fchdir(here)
        os.close(here)


@contextmanager
def _kept_handlers() -> Iterator[None]:
    """Restore the handlers of Ctrl-C and SIGTERM after the block."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            if handler is not None:  # None: it is not of Python.
                signal.signal(number, handler)


def _refuses_token(err: BaseException | None) -> bool:
    """Return whether a token was refused; Ray has this only in the text of a cause."""
    return err is not None and ("InvalidAuthToken" in str(err) or _refuses_token(err.__cause__))


def _first_line(err: Exception) -> str:
    return str(err).strip().partition("\n")[0] or type(err).__name__


def _last_line(err: Exception) -> str:
    return str(err).strip().rpartition("\n")[2] or type(err).__name__
