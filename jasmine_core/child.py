# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Child processes of this interpreter that import nothing from the working directory.

`python -m` and `python -c` put the working directory first on `sys.path`. Inside a downloaded
folder its Python files would run under the names of packages. Python 3.11 has `-P` against it;
ROS 2 Humble has Python 3.10, so that children start with `-I` and get the search path explicitly.
"""

from __future__ import annotations

import atexit
import os
import signal
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

SIGNALS = frozenset((signal.SIGINT, signal.SIGTERM))


def safe_path() -> list[str]:
    """Return `sys.path` without the working directory, unless this package is installed there."""
    try:
        here = Path.cwd().resolve()
    except FileNotFoundError:  # The working directory was removed.
        return [entry for entry in sys.path if entry]
    installed = {Path(__file__).parents[1], *map(Path, sysconfig.get_paths().values())}
    if here in {folder.resolve() for folder in installed}:
        return [entry or str(here) for entry in sys.path]
    return [entry for entry in sys.path if entry and Path(entry).resolve() != here]


def isolate() -> None:
    """Remove the working directory from the search paths of this process and of its children."""
    sys.path[:] = safe_path()
    os.environ["PYTHONSAFEPATH"] = "1"  # Python 3.11 and later; also for processes of libraries


def python_command(code: str, *arguments: str) -> list[str]:
    """Return the command that runs Python code with the modules of this process.

    Args:
        code: Python code; it finds the arguments in `sys.argv[1:]`.
        arguments: arguments of the code.
    """
    script = f"import sys; sys.path[:] = {safe_path()!r}\n{code}"
    return [sys.executable, "-I", "-c", script, *arguments]


def environment() -> dict[str, str]:
    """Return the environment of a child; its own children do not import from there either."""
    return os.environ | {"PYTHONSAFEPATH": "1"}


def start_worker(code: str, pipe: Connection) -> subprocess.Popen[bytes]:
    """Start a process that is controlled by a pipe; signals to the process group do not end it.

    The code finds the file descriptor of the pipe in `sys.argv[1]` and calls `open_pipe` first.
    """
    command = python_command(code, str(pipe.fileno()))
    with blocked_signals():
        return subprocess.Popen(command, env=environment(), pass_fds=[pipe.fileno()])


@contextmanager
def blocked_signals() -> Iterator[None]:
    """Hold back Ctrl-C and SIGTERM, also in children until they call `ignore_signals`."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def open_pipe(descriptor: str) -> Connection:
    """Return the pipe of a process that `start_worker` started, and ignore the signals there."""
    from multiprocessing.connection import Connection

    ignore_signals()
    return Connection(int(descriptor))


def ignore_signals() -> None:
    """Ignore Ctrl-C and SIGTERM, which reach every process of a group; the parent decides."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)


@cache
def kill_workers_at_exit() -> None:
    """Kill the daemonic children that are left when this process exits.

    multiprocessing ends them by SIGTERM and waits; those that ignore it would never end.
    """
    # These modules import pickle, and `isolate` has to run before that. `util` registers the exit
    # function of multiprocessing; functions that are registered later run earlier.
    from multiprocessing import util  # noqa: F401

    atexit.register(_kill_workers)


def _kill_workers() -> None:
    from multiprocessing import active_children

    for worker in active_children():
        if worker.daemon:
            worker.kill()


def exit_without_cleanup(status: int) -> NoReturn:
    """End this process and its workers, and run no destructor of a library."""
    _kill_workers()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)
