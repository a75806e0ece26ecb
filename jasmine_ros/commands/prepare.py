# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""`jasmine prepare`: sequences for training from recordings."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from tyro.conf import OmitArgPrefixes, arg

from jasmine_core.commands.options import Output, option
from jasmine_core.dataset.sequence import CLASSES, INDEX, TEACHER
from jasmine_core.dataset.sequences import Sequence
from jasmine_core.errors import ConfigError, JasmineError
from jasmine_core.interrupt import INTERRUPTED, Interrupt
from jasmine_core.prepare.options import PrepareOptions
from jasmine_core.shard import Shard
from jasmine_core.store.paths import url_of
from jasmine_core.store.results import staged
from jasmine_ros.bags.find import Recording, find_recordings
from jasmine_ros.bags.segments import Windows, read_chosen
from jasmine_ros.bags.to_sequence import Job
from jasmine_ros.commands.options import (
    Calibration,
    Recordings,
    ShardText,
    Topic,
    expect_recordings,
)
from jasmine_ros.commands.pools import Outcome, Pool, PoolOptions
from jasmine_ros.commands.prepare_workers import prepare_bags

if TYPE_CHECKING:
    from jasmine_core.dataset.pseudo_labels import PseudoLabeller

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class PrepareRequest:
    """Prepare recordings for training, with a health report for each in OUT/BAG/report.html.

    Finished recordings are skipped and interrupted ones are continued, so the same command can be
    repeated.
    """

    #: Recordings: rosbag2 folders, .mcap or .db3 files, ROS 1 .bag files, or folders of these.
    bags: Recordings
    #: Folder of the data set; each recording becomes a folder in it.
    output: Output
    #: Share of the recordings to prepare, for one of several machines: 2/8 is the second of eight.
    shard: ShardText = "1/1"
    #: List of segments of jasmine mine; only these are prepared, and recordings without one are
    #: left out.
    segments: Annotated[Path | None, option("FILE")] = None
    #: Topic of the images; may be omitted if a recording has one camera.
    image: Topic = None
    #: Topic of the CameraInfo; by default the one beside the images.
    camera_info: Topic = None
    #: YAML file of camera_calibration, for recordings without CameraInfo.
    calibration: Calibration = None
    #: Topic of the odometry; may be omitted if a recording has one. The value none ignores it.
    odometry: Topic = None
    #: Semantic classes: a folder of 8-bit PNG files with the training classes of Cityscapes,
    #: named by timestamp, or mask2former to compute them; MODEL is a folder or a name on the
    #: Hugging Face hub.
    masks: Annotated[str | None, option("DIR|mask2former[:MODEL]")] = None
    #: Depth pseudo-labels: a folder of 16-bit PNG files (depth x 256), named by timestamp;
    #: or the checkpoint of a disparity network or depth-anything to compute them; MODEL is a
    #: folder or a name on the Hugging Face hub.
    teacher: Annotated[str | None, option("DIR|depth-anything[:MODEL]")] = None
    #: Whether the MODEL of --masks or --teacher may be downloaded from the Hugging Face hub.
    allow_download: bool = False
    #: Number of recordings that are prepared at the same time.
    workers: Annotated[int, option("N")] = 1
    pool: Pool = field(default_factory=PoolOptions)
    #: Whether recordings that were prepared with other options are prepared again.
    overwrite: bool = False
    options: Annotated[PrepareOptions, arg(name=""), OmitArgPrefixes] = field(
        default_factory=PrepareOptions
    )

    def __post_init__(self) -> None:
        expect_recordings(self.bags, self.shard, self.workers)


def prepare(request: PrepareRequest) -> int:
    """Prepare the recordings, with a line for each; the status is 1 if one failed.

    Raises:
        BagError: A recording does not exist; none is prepared then.
        ConfigError: Two recordings have the same name, or a source of labels cannot be used.
    """
    recordings = Shard.parse(request.shard)(find_recordings(request.bags))
    chosen = read_chosen(request.segments) if request.segments else {}
    if request.segments:
        recordings = _with_segments(recordings, chosen, request.segments)
    files: dict[str, Path] = {}
    pseudo_labellers: list[PseudoLabeller] = []
    for kind, name in ((CLASSES, request.masks), (TEACHER, request.teacher)):
        if name is not None and _holds_png(name):
            files[kind] = Path(name)
        elif name is not None:
            pseudo_labellers.append(_pseudo_labeller(name, kind, request.allow_download))
    jobs = [
        Job(
            recording.path,
            request.output / recording.name,
            request.options,
            image=request.image,
            camera_info=request.camera_info,
            calibration=request.calibration,
            odometry=request.odometry,
            masks=files.get(CLASSES),
            teacher=files.get(TEACHER),
            overwrite=request.overwrite,
            windows=chosen.get(recording.name, ()),
        )
        for recording in recordings
    ]
    failed = interrupted = 0
    folders: list[Path] = []
    with Interrupt() as interrupt:
        for outcome in prepare_bags(
            jobs, request.workers, request.pool, lambda: interrupt.requested
        ):
            failed += outcome.failed
            interrupted += outcome.interrupted
            folders += [outcome.folder] if outcome.folder else []
            outcome.show()
        # Not in the worker processes: a network is loaded once, and may use the whole machine.
        for outcome in _add_pseudo_labels(folders, pseudo_labellers, lambda: interrupt.requested):
            failed += outcome.failed
            outcome.show()
    if interrupted or interrupt.requested:
        _log.info("interrupted; the same command continues from here")
        return INTERRUPTED
    return 1 if failed else 0


def _with_segments(
    recordings: list[Recording], chosen: Mapping[str, Windows], file: Path
) -> list[Recording]:
    """Return the recordings that have segments."""
    found = [recording for recording in recordings if recording.name in chosen]
    if not found:
        raise ConfigError(
            f"{url_of(file)} names none of the recordings, but for example {next(iter(chosen))}; "
            "give the recordings or folders that were given to jasmine mine"
        )
    return found


def _holds_png(name: str) -> bool:
    return Path(name).is_dir() and not (Path(name) / "config.json").is_file()


def _pseudo_labeller(name: str, kind: str, allow_download: bool) -> PseudoLabeller:
    try:
        from jasmine_core.dataset.pseudo_labels import find_pseudo_labeller
    except ImportError as err:
        raise ConfigError(
            f"{name} is not a folder of PNG files, and a network needs PyTorch ({err}); "
            "pip install 'jasmine_ros[convert]'"
        ) from err
    return find_pseudo_labeller(name, kind, allow_download)


def _add_pseudo_labels(
    folders: list[Path], pseudo_labellers: list[PseudoLabeller], stop: Callable[[], bool]
) -> Iterator[Outcome]:
    for folder, pseudo_labeller in product(folders, pseudo_labellers):
        if stop():
            return
        from jasmine_core.dataset.pseudo_labels import add_pseudo_labels

        labels = folder / pseudo_labeller.kind
        try:
            with staged(folder, INDEX, whole=True) as local:
                done = add_pseudo_labels(Sequence(local), pseudo_labeller, stop)
        except JasmineError as err:
            yield Outcome(str(err), failed=True)
            continue
        if done.refused:
            count, first = len(done.refused), done.refused[0]
            _log.warning("%s: %d images have no label; the first: %s", labels, count, first)
        if done.finished:
            yield Outcome(f"{labels}: {done.labels} labels")
