# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Bags into a data set: `jasmine prepare BAG... -o DIR`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import product
from multiprocessing import Pipe
from multiprocessing.connection import wait
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

from tqdm import tqdm
from tyro.conf import OmitArgPrefixes, Positional, arg

from jasmine_core.child import open_pipe, start_worker
from jasmine_core.cli import INTERRUPTED, Output
from jasmine_core.dataset.samples import Sequence
from jasmine_core.dataset.sequence import CLASSES, TEACHER
from jasmine_core.errors import ConfigError, JasmineError
from jasmine_core.interrupt import Interrupt
from jasmine_core.prepare.options import PrepareOptions

if TYPE_CHECKING:
    from jasmine_core.dataset.pseudo_labels import PseudoLabeller
    from jasmine_ros.bags.to_sequence import Job

_OPTIONS = PrepareOptions()
_WORK = "from jasmine_ros.commands.prepare import work; work(sys.argv[1])"


def prepare(
    bags: Positional[list[Path]],
    output: Output,
    options: Annotated[PrepareOptions, OmitArgPrefixes] = _OPTIONS,
    image: str | None = None,
    camera_info: str | None = None,
    calibration: Path | None = None,
    odometry: str | None = None,
    masks: Annotated[str | None, arg(metavar="DIR|mask2former[:ID]")] = None,
    teacher: Annotated[str | None, arg(metavar="DIR|depth-anything[:ID]")] = None,
    allow_download: bool = False,
    workers: int = 1,
    overwrite: bool = False,
) -> int:
    """Turn bags into a data set for training, with a health report for each: OUT/BAG/report.png.

    What is finished is skipped and what was interrupted continues, so the same command can always
    be given again.

    Args:
        bags: rosbag2 folders, .mcap, .db3, or ROS 1 .bag files.
        output: folder of the data set; each bag becomes a folder in it.
        options: how images are stored and neighbours chosen.
        image: topic of the images; found by itself where there is one camera.
        camera_info: topic of the CameraInfo; found beside the images.
        calibration: camera_calibration YAML, for a bag without CameraInfo.
        odometry: topic of the odometry; found by itself, "none" leaves it aside.
        masks: folder of 8-bit PNG with Cityscapes' training classes, named by the images' stamps;
            or mask2former, which makes them; or mask2former:ID_OR_DIR, which says where it is.
        teacher: folder of 16-bit PNG with depth x 256, named by the images' stamps; or what makes
            them: a disparity net's folder, depth-anything, or depth-anything:ID_OR_DIR.
        allow_download: fetch the network that --masks or --teacher names as a hub id.
        workers: bags prepared at the same time.
        overwrite: prepare bags anew that were prepared with other options.
    """
    from jasmine_ros.bags.to_sequence import Job

    if not bags:
        raise ConfigError("no bag is named; give one or more")
    if workers < 1:
        raise ConfigError(f"workers {workers} must be at least 1")
    png: dict[str, Path] = {}
    pseudo_labellers: list[PseudoLabeller] = []
    for kind, name in ((CLASSES, masks), (TEACHER, teacher)):
        if name is not None and _holds_png(name):
            png[kind] = Path(name)
        elif name is not None:
            pseudo_labellers.append(_pseudo_labeller(name, kind, allow_download))
    jobs = [
        Job(
            bag,
            folder,
            options,
            image,
            camera_info,
            calibration,
            odometry,
            png.get(CLASSES),
            png.get(TEACHER),
            overwrite,
        )
        for bag, folder in zip(bags, sequence_folders(bags, output), strict=True)
    ]
    failed = interrupted = 0
    folders: list[Path] = []
    with Interrupt() as interrupt:
        run = _one_by_one if workers == 1 or len(jobs) == 1 else _side_by_side
        for result in run(jobs, workers, lambda: interrupt.requested):
            failed += result.failed
            interrupted += result.interrupted
            folders += [result.sequence] if result.sequence else []
            tqdm.write(result.text, file=sys.stderr if result.failed else sys.stdout)
        # Not in the bags' processes: a network is read once, and may use the whole machine.
        for result in _add_pseudo_labels(folders, pseudo_labellers, lambda: interrupt.requested):
            failed += result.failed
            tqdm.write(result.text, file=sys.stderr if result.failed else sys.stdout)
    if interrupted or interrupt.requested:
        print("interrupted; the same command continues from here", file=sys.stderr)
        return INTERRUPTED
    return 1 if failed else 0


@dataclass(frozen=True)
class _Result:
    """Say in a line what became of a bag."""

    text: str
    failed: bool = False
    interrupted: bool = False
    sequence: Path | None = None  # that is whole now


def _run(job: Job, progress: Callable[[int, int], None], stop: Callable[[], bool]) -> _Result:
    from jasmine_ros.bags.to_sequence import Interrupted, prepare_bag

    try:
        outcome = prepare_bag(job, progress, stop)
    except Interrupted:
        return _Result(f"{job.folder}: interrupted", interrupted=True)
    except JasmineError as err:
        return _Result(f"error: {err}", failed=True)
    if outcome is None:
        return _Result(f"{job.folder}: finished before", sequence=job.folder)
    health = outcome.health
    metric = "metric" if health["metric_scale_can_be_learned"] else "no metric scale"
    return _Result(
        f"{job.folder}: {outcome.samples} samples from {outcome.received} images, {metric}; "
        f"{health['verdict']}, see {job.folder / 'report.png'}",
        sequence=job.folder,
    )


def _holds_png(name: str) -> bool:
    return Path(name).is_dir() and not (Path(name) / "config.json").is_file()


def _pseudo_labeller(name: str, kind: str, allow_download: bool) -> PseudoLabeller:
    try:
        from jasmine_core.dataset.pseudo_labels import find_pseudo_labeller
    except ImportError as err:
        raise ConfigError(
            f"{name} is no folder of PNG files, and a network needs PyTorch ({err}); "
            "pip install 'jasmine_ros[convert]'"
        ) from err
    return find_pseudo_labeller(name, kind, allow_download)


def _add_pseudo_labels(
    folders: list[Path], pseudo_labellers: list[PseudoLabeller], stop: Callable[[], bool]
) -> Iterator[_Result]:
    for folder, pseudo_labeller in product(folders, pseudo_labellers):
        if stop():
            return
        from jasmine_core.dataset.pseudo_labels import add_pseudo_labels

        try:
            done = add_pseudo_labels(Sequence(folder), pseudo_labeller, stop)
        except JasmineError as err:
            yield _Result(f"error: {err}", failed=True)
            continue
        if done.refused:
            more = f"{len(done.refused)} images have none; the first: {done.refused[0]}"
            yield _Result(f"warn: {folder / pseudo_labeller.kind}: {more}")
        if done.finished:
            yield _Result(f"{folder / pseudo_labeller.kind}: {done.labels} labels")


class _Bar:
    """One progress bar over the images of all bags that were opened so far."""

    def __init__(self) -> None:
        self._bar = tqdm(unit="frame", desc="prepare", leave=False)
        self._counts: dict[Path, tuple[int, int]] = {}

    def __enter__(self) -> _Bar:
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()

    def update(self, job: Job, done: int, total: int) -> None:
        self._counts[job.folder] = done, total
        done, total = (sum(count) for count in zip(*self._counts.values(), strict=True))
        self._bar.total = total
        self._bar.update(done - self._bar.n)


def _one_by_one(jobs: list[Job], _: int, stop: Callable[[], bool]) -> Iterator[_Result]:
    with _Bar() as bar:
        for job in jobs:
            if stop():
                return
            yield _run(job, partial(bar.update, job), stop)


def _side_by_side(jobs: list[Job], workers: int, stop: Callable[[], bool]) -> Iterator[_Result]:
    """Prepare several bags at once, each in a process of its own.

    A pipe joins each process with this one: counts come out of it, and whatever arrives at its
    other end, even the silence of a parent that was killed, stops the work.
    """
    todo = list(jobs)
    running: dict[Any, tuple[Job, Any]] = {}  # job and process by pipe
    try:
        with _Bar() as bar:
            while todo or running:
                while todo and len(running) < workers and not stop():
                    job = todo.pop(0)
                    pipe, far_end = Pipe()
                    # A fork of a process with OpenCV's threads may hang.
                    process = start_worker(_WORK, far_end)
                    far_end.close()
                    with suppress(BrokenPipeError):  # It died; `recv` finds that below.
                        pipe.send(job)
                    running[pipe] = job, process
                if stop():
                    todo.clear()
                    _stop(running)
                for ready in cast(list[Any], wait(list(running), timeout=0.2)):
                    job, process = running[ready]
                    try:
                        message = ready.recv()
                    except EOFError:
                        message = _Result(
                            f"error: {job.bag}: its process died (out of memory?); the same "
                            "command continues it, with fewer --workers perhaps",
                            failed=True,
                        )
                    if isinstance(message, _Result):
                        process.wait()
                        del running[ready]
                        yield message
                    else:
                        bar.update(job, *message)
    finally:
        _stop(running)


def _stop(running: dict[Any, tuple[Job, Any]]) -> None:
    for pipe in running:
        with suppress(OSError):  # it may have ended meanwhile
            pipe.send("stop")


def work(descriptor: str) -> None:
    """Prepare the bag of the job that arrives by a pipe; send its progress and its result."""
    pipe = open_pipe(descriptor)
    import cv2

    cv2.setNumThreads(1)
    job = pipe.recv()

    def progress(done: int, total: int) -> None:
        with suppress(BrokenPipeError):  # the parent was killed; `poll` tells
            pipe.send((done, total))

    result = _run(job, progress, pipe.poll)
    with suppress(BrokenPipeError):
        pipe.send(result)


def sequence_folders(bags: list[Path], output: Path) -> list[Path]:
    """Return a folder for each bag, named after it; raise ConfigError if two have one name."""
    names = [bag.stem if bag.is_file() else bag.resolve().name for bag in bags]
    for name in names:
        same = [str(bag) for bag, other in zip(bags, names, strict=True) if other == name]
        if len(same) > 1:
            raise ConfigError(
                f"{' and '.join(same)} would both become {output / name}; rename one, or write "
                "them to different folders"
            )
    return [output / name for name in names]
