# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""One whole run over a bag: `jasmine run BAG -o OUT`."""

from __future__ import annotations

import json
import resource
import shutil
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Annotated, Any, Literal

from tqdm import tqdm
from tqdm.contrib.logging import logging_redirect_tqdm
from tyro.conf import Positional, arg

from jasmine_core import __version__
from jasmine_core.errors import BagError, ConfigError, FrameError
from jasmine_core.files import atomic_file
from jasmine_core.interrupt import Interrupt
from jasmine_core.runtime.backend import NETWORK_STAGES
from jasmine_ros.bags.camera_topics import (
    CameraTopics,
    choose_calibrated_camera,
    first_camera_info,
)
from jasmine_ros.bags.reader import Bag
from jasmine_ros.bags.writer import BagWriter
from jasmine_ros.hosts.bag import BagHost
from jasmine_ros.msgs.transforms import TF_STATIC
from jasmine_ros.node.depth_component import DepthComponent
from jasmine_ros.node.parameters import DepthParameters

PREVIEW_ROWS = 6
END_OF_BAG, LIMIT, INTERRUPTED = "end of bag", "limit", "interrupted"


@dataclass(frozen=True)
class BagRun:
    """Say which part of which bag to run, and where the result goes."""

    bag: Annotated[Positional[Path], arg(metavar="BAG")]
    """a rosbag2 folder, .mcap, .db3, or a ROS 1 .bag"""
    output: Annotated[Path, arg(aliases=["-o"], metavar="OUT")]
    """folder for the results"""
    image: Annotated[str | None, arg(metavar="TOPIC")] = None
    """topic of the images; found by itself where there is one camera"""
    camera_info: Annotated[str | None, arg(metavar="TOPIC")] = None
    """topic of the CameraInfo; found beside the images"""
    calibration: Annotated[Path | None, arg(metavar="FILE")] = None
    """camera_calibration YAML, for a bag without CameraInfo"""
    namespace: Annotated[str, arg(metavar="NAME")] = ""
    """of the output topics"""
    limit: Annotated[int | None, arg(metavar="N")] = None
    """process this many images at most"""
    every: Annotated[int, arg(metavar="N")] = 1
    """process each n-th image"""
    start: Annotated[float | None, arg(name="from", metavar="SECONDS")] = None
    """begin this many seconds after the start of the bag"""
    stop: Annotated[float | None, arg(name="to", metavar="SECONDS")] = None
    """end this many seconds after the start of the bag"""
    copy: bool = False
    """carry the bag's own topics over into the result"""
    storage: Literal["mcap", "sqlite3"] = "mcap"
    """format of the result"""
    compress: bool = False
    """compress the result with zstd"""
    overwrite: bool = False
    """replace an earlier result in OUT"""

    def __post_init__(self) -> None:
        if self.every < 1:
            raise ConfigError(f"--every is {self.every}; give 1 for each image, 2 for each other")
        if self.limit is not None and self.limit < 1:
            raise ConfigError(f"--limit is {self.limit}; it must be at least 1")


def run_bag(run: BagRun, parameters: DepthParameters) -> dict[str, Any]:
    """Run the depth component over a bag; return what `report.json` holds.

    Writes OUT/depth (a rosbag2 folder), OUT/preview.png and OUT/report.json. Ctrl-C, a full disk or
    a damaged input end the run early, with everything up to there readable; `ended_by` says which.
    """
    with Bag(run.bag) as source:
        # 1. Find the camera.
        camera = choose_calibrated_camera(source, run.image, run.camera_info, run.calibration)
        expected = _expected_frames(source, camera, run)
        _make_room(run)

        # 2. Bring the component up, before anything is written.
        host = BagHost(source, camera, run.namespace)
        host.show = {int((i + 0.5) * expected / PREVIEW_ROWS) for i in range(PREVIEW_ROWS)}
        component = DepthComponent(host, parameters)
        component.configure()
        component.activate(source.topics[camera.image].type)
        _teach_camera(source, camera, run, host, component)

        # 3. Play the bag through it.
        began = perf_counter()
        try:
            with BagWriter(run.output / "depth", run.storage, run.compress) as writer:
                host.record(writer)
                ended_by = _play(source, camera, run, host, component, writer, expected)
        except BagError as err:
            if component.counts.received == 0:
                raise
            ended_by = str(err)
        seconds = perf_counter() - began
        component.deactivate()

        # 4. Say what happened.
        report = _report(run, camera, component, host, seconds, ended_by)
        component.cleanup()
    try:
        host.preview.write(run.output / "preview.png")
        with atomic_file(run.output / "report.json") as temporary:
            temporary.write_text(json.dumps(report, indent=2) + "\n")
    except OSError as err:
        report["ended_by"] = f"{ended_by}; {run.output}: {err}"
    return report


def _window(source: Bag, run: BagRun) -> tuple[int | None, int | None]:
    """Return the recorded times [ns] between which messages count."""
    start, stop = (
        None if t is None else source.start + round(t * 1e9) for t in (run.start, run.stop)
    )
    if start is not None and stop is not None and stop <= start:
        raise BagError(f"--from {run.start} is not before --to {run.stop}")
    if start is not None and start >= source.stop:
        length = (source.stop - source.start) / 1e9
        raise BagError(f"--from {run.start} lies behind the end of {run.bag}, {length:.2f} s long")
    return start, stop


def _expected_frames(source: Bag, camera: CameraTopics, run: BagRun) -> int:
    """Estimate how many images will be processed: exact without --from and --to."""
    start, stop = _window(source, run)
    length = max(1, source.stop - source.start)
    part = ((stop or source.stop) - (start or source.start)) / length
    count = round(source.topics[camera.image].count * min(1.0, part))
    return min(-(-count // run.every), run.limit or count)


def _make_room(run: BagRun) -> None:
    depth = run.output / "depth"
    if not depth.exists():
        return
    if not run.overwrite:
        raise BagError(f"{depth} exists already; add --overwrite, or write elsewhere with -o")
    if not any(f.suffix in (".mcap", ".db3") for f in depth.iterdir()):
        raise BagError(f"{depth} is not a bag and is not overwritten; write elsewhere with -o")
    shutil.rmtree(depth)


def _teach_camera(
    source: Bag, camera: CameraTopics, run: BagRun, host: BagHost, component: DepthComponent
) -> None:
    """Show the component its first CameraInfo, which may come later than the first image.

    Fixed transforms are recorded once, wherever a run begins.
    """
    component.on_camera_info(first_camera_info(source, camera, run.calibration))
    if TF_STATIC in host.inputs and TF_STATIC in source.topics:
        for message in source.messages([TF_STATIC]):
            host.dispatch(message)


def _play(
    source: Bag,
    camera: CameraTopics,
    run: BagRun,
    host: BagHost,
    component: DepthComponent,
    writer: BagWriter,
    expected: int,
) -> str:
    """Deliver the bag's messages until it ends; return what ended it."""
    start, stop = _window(source, run)
    wanted = [] if run.copy else host.inputs
    images = taken = 0
    with (
        Interrupt() as interrupt,
        tqdm(total=expected, unit="frame", desc="depth") as bar,
        logging_redirect_tqdm(),
    ):
        for message in source.messages(wanted, start, stop):
            if interrupt.requested:
                return INTERRUPTED
            if run.copy and message.topic not in host.outputs:
                writer.copy(message, source)
            if message.topic == camera.image:
                images += 1
                if (images - 1) % run.every:
                    continue
                if run.limit is not None and taken >= run.limit:
                    return LIMIT
                taken += 1
                bar.update()
            try:
                host.deliver(message)
            except FrameError as err:
                component.on_damaged(message.topic, str(err))
    return END_OF_BAG


def _report(
    run: BagRun,
    camera: CameraTopics,
    component: DepthComponent,
    host: BagHost,
    seconds: float,
    ended_by: str,
) -> dict[str, Any]:
    info, counts, latencies = (
        component.predictor.backend.info,
        component.counts,
        component.latencies,
    )
    network = sum(sum(latencies.seconds(stage)) for stage in NETWORK_STAGES)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # [MiB] on Linux
    return {
        "jasmine_ros": __version__,
        "bag": str(run.bag),
        "camera": {"image": camera.image, "camera_info": camera.info or str(run.calibration)},
        "model": {
            "checkpoint": component.parameters.checkpoint,
            "description": info.model,
            "untrained": info.untrained,
            "backend": info.name,
            "device": info.device,
            "precision": info.precision,
        },
        "scale": {
            "state": component.scale.state,
            "metres_per_unit": component.scale.metres_per_unit,
            "source": component.scale.source,
        },
        "ended_by": ended_by,
        "frames": counts.summary(),
        "seconds": round(seconds, 3),
        "frames_per_second": round(counts.processed / seconds, 3) if seconds else 0.0,
        "not_network_share": round(1 - network / seconds, 4) if seconds else 0.0,
        "peak_memory_mib": round(peak, 1),
        "latency_ms": latencies.summary(),
        "depth": host.depths.summary(),
    }
