# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""`jasmine run`: the depth node over a recording."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

from tqdm import tqdm

from jasmine_core.errors import BagError, FrameError
from jasmine_core.files import atomic_file, replace_folder
from jasmine_core.interrupt import Interrupt
from jasmine_core.locks import exclusive
from jasmine_core.outputs import expect_outside, expect_own, record
from jasmine_core.report.blocks import Section
from jasmine_core.report.page import save_page
from jasmine_core.runtime.album import Album
from jasmine_core.shard import Shard
from jasmine_core.store.paths import exists, is_remote, url_of, with_urls
from jasmine_core.store.results import staged
from jasmine_ros.bags.ahead import with_topics_ahead
from jasmine_ros.bags.bag_message import BagMessage
from jasmine_ros.bags.camera_topics import (
    CameraTopics,
    choose_calibrated_camera,
    first_camera_info,
)
from jasmine_ros.bags.damage import DamagedMessages
from jasmine_ros.bags.find import DEPTH_BAG, find_recordings
from jasmine_ros.bags.reader import Bag
from jasmine_ros.bags.scan import fixed_transforms
from jasmine_ros.bags.writer import BagWriter
from jasmine_ros.commands.run_inputs import motion_topics, warn_of_missing
from jasmine_ros.commands.run_page import run_page
from jasmine_ros.commands.run_report import (
    END_OF_BAG,
    INTERRUPTION,
    LIMIT,
    PAGE,
    PREVIEW,
    REPORT,
    exit_status,
    make_report,
    summary,
)
from jasmine_ros.commands.run_request import RunRequest, options_of
from jasmine_ros.commands.run_window import Window, window_of
from jasmine_ros.hosts.bag import BagHost
from jasmine_ros.msgs.transforms import TF_STATIC, transforms_message
from jasmine_ros.node.depth_component import DepthComponent, Load

PREVIEW_ROWS = 6
ACCURACY = "accuracy.json"  # of `jasmine demo`
RESULT_FILES = (PREVIEW, REPORT, ACCURACY, PAGE)
More = Callable[[], list[Section]]  # sections of the page that a complete result gets


def run(request: RunRequest, more: More = list, after: Callable[[], str] = str) -> int:
    """Run the node over the recordings and print a summary of each.

    Args:
        request: options.
        more: returns further sections for the page of a single recording, if it was processed.
        after: returns lines that are printed before the place of that page.
    """
    recordings = find_recordings(request.bags, request.output)
    if len(recordings) > 1 or request.shard != "1/1":
        from jasmine_ros.commands.run_many import run_many

        return run_many(request, Shard.parse(request.shard)(recordings))
    request = replace(request, bags=(recordings[0].path,))  # It may be deep in a folder.
    if is_remote(request.output) and not request.overwrite and exists(request.output / REPORT):
        raise BagError(
            f"{url_of(request.output / REPORT)} already exists; add --overwrite, or choose another "
            "folder with -o"
        )
    with staged(request.output, REPORT) as output:
        report = run_bag(replace(request, output=output), more=more)
        has_page = (output / PAGE).is_file()
    print(with_urls(summary(report, request.output)))
    print(after(), end="")
    if has_page:
        print(f"report: {url_of(request.output / PAGE)}")
    return exit_status(report, request.output)


def run_bag(
    request: RunRequest,
    stop: Callable[[], bool] = lambda: False,
    load: Load | None = None,
    more: More = list,
) -> dict[str, Any]:
    """Run the depth component over a recording; return the contents of `report.json`.

    Ctrl-C, `stop`, a full disk or a damaged recording end the run early. The results up to there
    are readable, and `ended_by` in the report names the cause. An earlier result is replaced when
    the new one is complete. `load` replaces `DepthPredictor.from_pretrained`.
    """
    expect_outside(request.output / DEPTH_BAG, request.bag, request.calibration)
    with exclusive(request.output), Bag(request.bag) as source:
        # 1. Find the camera.
        camera = choose_calibrated_camera(
            source,
            request.image,
            request.camera_info,
            request.calibration,
            request.parameters.max_image_pixels,
        )
        window = window_of(source, camera.image, request.start, request.stop)
        expected = min(-(-window.images // request.every), request.limit or window.images)
        _expect_room(request)
        damaged = DamagedMessages()

        # 2. Start the component before anything is written.
        host = BagHost(source, camera, request.namespace, window.start or window.first)
        host.album = Album(window.first)
        host.show = {int((i + 0.5) * expected / PREVIEW_ROWS) for i in range(PREVIEW_ROWS)}
        component = DepthComponent(host, request.parameters, load)
        component.configure()
        component.activate(source.image_type(camera.image))
        _deliver_calibration(source, camera, request, host, component)
        warn_of_missing(source, host, request.parameters)

        # 3. Play the recording through it.
        began = perf_counter()
        with _result_folder(request.output) as folder:
            try:
                with BagWriter(folder, request.storage, request.compress) as writer:
                    host.record(writer)
                    play = _Playback(
                        source, camera, request, host, component, writer, damaged, stop
                    )
                    ended_by = play(window, expected)
            except BagError as err:
                ended_by = str(err).replace(str(folder), str(request.output / DEPTH_BAG))
                if component.counts.received == 0:
                    raise BagError(ended_by) from err
        seconds = perf_counter() - began
        component.deactivate()

        # 4. Write the reports.
        source_of = {
            "bag": url_of(request.bag),
            "recording": identity(source),
            "options": options_of(request),
            "camera": {
                "image": camera.image,
                "camera_info": camera.info or str(request.calibration),
            },
        }
        report = make_report(source_of, component, host.depths, seconds, ended_by)
        report["damaged_messages"] = damaged.summary()  # those of images are counted in frames
        component.cleanup()
        try:
            host.preview.write(request.output / PREVIEW)
            with atomic_file(request.output / REPORT) as temporary:
                temporary.write_text(json.dumps(report, indent=2) + "\n")
            record(request.output, PREVIEW, REPORT)
            _write_page(request.output, report, host.album, more)
        except OSError as err:
            report["ended_by"] = f"{ended_by}; {request.output}: {err}"
    return report


def _write_page(output: Path, report: dict[str, Any], album: Album, more: More) -> None:
    """Write the page of a result."""
    complete = report["ended_by"] in (END_OF_BAG, LIMIT) and report["frames"]["processed"]
    sections = more() if complete else []
    if save_page(output / PAGE, lambda: run_page(report, album, sections)):
        with suppress(OSError):  # The result is complete, and can be read without the page.
            record(output, PAGE)


def identity(source: Bag) -> dict[str, int]:
    """Return what tells a recording from another one of the same name."""
    return {"start": source.start, "stop": source.stop}  # [ns]


def _expect_room(request: RunRequest) -> None:
    """Raise JasmineError if an earlier result, or a file of the user, is in the place of this."""
    depth = request.output / DEPTH_BAG
    if depth.exists() and not request.overwrite:
        raise BagError(f"{depth} already exists; add --overwrite, or choose another folder with -o")
    expect_own(depth)
    expect_own(request.output, *RESULT_FILES)


@contextmanager
def _result_folder(output: Path) -> Iterator[Path]:
    """Yield a path for the new bag, which replaces an earlier one if the block succeeds."""
    for left_by_kill in output.glob(".run.partial-*"):
        shutil.rmtree(left_by_kill, ignore_errors=True)
    with TemporaryDirectory(prefix=".run.partial-", dir=output) as place:
        folder = Path(place) / DEPTH_BAG  # the files of a bag have the name of its folder
        yield folder
        with suppress(OSError):  # The disk may be full; then no later run replaces the bag.
            record(folder)
        expect_own(output / DEPTH_BAG)
        replace_folder(folder, output / DEPTH_BAG)


def _deliver_calibration(
    source: Bag,
    camera: CameraTopics,
    request: RunRequest,
    host: BagHost,
    component: DepthComponent,
) -> None:
    """Deliver the first CameraInfo, which may come after the first image, and fixed transforms.

    Fixed transforms are recorded once, perhaps before the time at which the run begins.
    """
    component.on_camera_info(first_camera_info(source, camera, request.calibration))
    if TF_STATIC in host.inputs:
        fixed = fixed_transforms(source, DamagedMessages())  # _Playback counts the damaged ones
        host.pass_on(TF_STATIC, transforms_message(host.messages, fixed))


@dataclass(frozen=True)
class _Playback:
    """Delivery of the messages of a recording to the component."""

    source: Bag
    camera: CameraTopics
    request: RunRequest
    host: BagHost
    component: DepthComponent
    writer: BagWriter
    damaged: DamagedMessages
    stop: Callable[[], bool]

    def __call__(self, window: Window, expected: int) -> str:
        """Deliver the messages until the recording ends; return what ended it."""
        request = self.request
        wanted = [] if request.copy else self.host.inputs
        motion = motion_topics(self.host, request.parameters)
        images = taken = 0
        with Interrupt() as interrupt, tqdm(total=expected, unit="image", desc="depth") as bar:
            messages = self.source.messages(wanted, window.start, window.stop)
            for message in with_topics_ahead(messages, motion, self._early):
                if interrupt.requested or self.stop():
                    return INTERRUPTION
                if request.copy and message.topic not in self.host.outputs:
                    self._copy(message)
                if message.type != self.source.topics[message.topic].type:
                    continue  # A topic may have messages of several types, of which one is read.
                skipped = self.component.counts.skipped
                if message.topic == self.camera.image:
                    images += 1
                    if (images - 1) % request.every:
                        continue
                    if request.limit is not None and taken >= request.limit:
                        return LIMIT
                    taken += 1
                    bar.update()
                try:
                    if message.topic in motion:
                        self.host.advance(message)
                    else:
                        self.host.deliver(message)
                except FrameError as err:
                    self._skip(message, str(err))
                if self.component.counts.skipped > skipped:
                    self.host.album.skip(message.stamp)
        return END_OF_BAG

    def _early(self, message: BagMessage) -> None:
        """Pass on a message about the motion of the camera before its turn."""
        if message.type == self.source.topics[message.topic].type:
            try:
                self.host.dispatch(message)
            except FrameError as err:
                self._skip(message, str(err))

    def _skip(self, message: BagMessage, reason: str) -> None:
        if message.topic == self.camera.image:
            self.component.on_damaged(message.topic, reason)
        else:
            self.damaged.add(message.topic, reason)

    def _copy(self, message: BagMessage) -> None:
        try:
            self.writer.copy(message, self.source)
        except FrameError as err:  # A ROS 1 message that cannot be converted.
            if message.topic not in self.host.inputs:
                self.damaged.add(message.topic, str(err))
