# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Driver of the contract tests for the bag host: it records, plays and reads the result."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from helpers.camera_bags import IMAGE_TOPIC, INFO_TOPIC, ROS2, START, Recorder, write_bag

from contract.steps import STATUSES, Burst, Change, Heard, Report, Send, Step, Tell, image
from jasmine_core.errors import ConfigError, FrameError, JasmineError
from jasmine_ros.bags.camera_topics import choose_camera
from jasmine_ros.bags.reader import Bag
from jasmine_ros.bags.rosbags_messages import RosbagsMessages
from jasmine_ros.bags.writer import BagWriter
from jasmine_ros.hosts.bag import BagHost
from jasmine_ros.msgs.messages import stamp_ns
from jasmine_ros.node import diagnostics
from jasmine_ros.node.depth_component import DepthComponent
from jasmine_ros.node.parameters import DepthParameters
from jasmine_ros.node.topics import DIAGNOSTICS, OUTPUTS

PERIOD = 100_000_000  # Interval of the messages in the bag [ns]; their timestamps may differ.
REPORT = round(diagnostics.PERIOD * 1e9)  # [ns]
NOTE = Send(lambda bag: bag.string(START, "a message that nobody reads"))


class BagDriver:
    """Run a depth component from one real bag to another."""

    live = False
    sets_parameters = True

    def __init__(self, checkpoint: Path, new_folder: Callable[[], Path]) -> None:
        self._checkpoint, self._new_folder = checkpoint, new_folder
        self._reported: list[int] = []  # Recorded times of the reports [ns].

    def run(self, steps: list[Step], *, fresh: bool = False, **parameters: Any) -> Heard:
        out, heard = self._new_folder() / "out", Heard({}, {})
        with self._component(steps, self._checkpoint, parameters) as (source, host, component):
            with BagWriter(out) as writer:
                host.record(writer)
                messages = source.messages()
                for step in steps:
                    if isinstance(step, Change):
                        heard.refusals.append(_refusal(component, step))
                    for _ in sends_of(step):
                        message = next(messages)
                        try:
                            host.deliver(message)
                        except FrameError as err:
                            component.on_damaged(message.topic, str(err))
            component.deactivate()
            component.cleanup()
        for name in STATUSES:
            heard.counts[name] = getattr(component.counts, name)
        with Bag(out) as result:
            for name in OUTPUTS:
                recorded = result.messages([host.resolve(name)])
                heard.messages[name] = [result.decode(message) for message in recorded]
        reports = {stamp_ns(m.header.stamp): m.status[0] for m in heard.messages[DIAGNOSTICS]}
        heard.reports = [reports[at] for at in self._reported]
        return heard

    def refusal(self, checkpoint: Path | None = None, **parameters: Any) -> str:
        try:
            with self._component([image()], checkpoint or self._checkpoint, parameters):
                return ""
        except JasmineError as err:
            return str(err)

    @contextmanager
    def _component(
        self, steps: list[Step], checkpoint: Path, parameters: dict[str, Any]
    ) -> Iterator[tuple[Bag, BagHost, DepthComponent]]:
        """Record the messages of the camera for some steps, and run a component on them."""
        topics: list[str] = []
        self._reported = []

        def fill(bag: Recorder) -> None:
            at = START
            for step in steps:
                if isinstance(step, Report):
                    at += REPORT
                    self._reported.append(at)
                for send in sends_of(step):
                    topic, kind, message = send.message(RosbagsMessages(ROS2))
                    bag.write(topic, kind, at, message)
                    topics.append(topic)
                    at += PERIOD

        with Bag(write_bag(self._new_folder() / "in", fill)) as source:
            images = next(topic for topic in topics if topic.startswith(IMAGE_TOPIC))
            told = INFO_TOPIC if INFO_TOPIC in topics else None
            host = BagHost(source, choose_camera(source, images, told), "robot")
            values = {"checkpoint": str(checkpoint), "device": "cpu", **parameters}
            component = DepthComponent(host, DepthParameters().at_start(values))
            component.configure()
            component.activate(source.topics[images].type)
            yield source, host, component


def sends_of(step: Step) -> tuple[Send, ...]:
    """Return the messages of the camera in a step; an absent camera sends none."""
    match step:
        case Send():
            return (step,)
        case Burst() | Tell():
            return step.sends
        case Report():  # The next message advances the clock, so that the report is due.
            return (NOTE,)
    return ()


def _refusal(component: DepthComponent, change: Change) -> str | None:
    try:
        component.on_parameters(change.parameters)
    except ConfigError as err:
        return str(err)
    return None
