# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""A live host under contract: the node in a process of its own, spoken to over real RTPS.

The same client serves the node on Cyclone DDS and the node of a ROS 2 installation.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Container, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import pytest
from helpers.camera_bags import IMAGE_TOPIC, INFO_TOPIC
from helpers.live_topics import until

from contract.node_process import Node
from contract.steps import STATUSES, Absence, Burst, Change, Heard, Report, Send, Step, Tell
from jasmine_ros.bags.rosbags_messages import RosbagsMessages
from jasmine_ros.dds.graph import type_hash
from jasmine_ros.dds.participant import Participant
from jasmine_ros.dds.uri import domain_config
from jasmine_ros.dds.wire import Reader, Writer
from jasmine_ros.msgs.messages import stamp_ns
from jasmine_ros.node.topics import DEPTH, DIAGNOSTICS, OUTPUTS

IMAGE, COMPRESSED, INFO = (
    f"sensor_msgs/msg/{name}" for name in ("Image", "CompressedImage", "CameraInfo")
)
SETTLE = 0.15  # Wait after a CameraInfo [s], because no output follows it.
TOLD = 0.5  # Wait after the messages of other sensors [s], for the same reason.
OTHERS = ("/odom", "/tf", "/tf_static")  # Topics of other sensors; each node has its own.
ABSENCE = 0.5  # [s]
START = 300.0  # Timeout of the start [s]; importing torch on a busy machine takes long.
BURST = 1 / 120  # Interval [s]; the socket drops messages at a higher rate.
GREETING = {IMAGE: {"encoding": "none"}, COMPRESSED: {"format": "none"}}  # Not images.


class Listener:
    """Readers of the outputs of a node in a namespace, and writers of its camera."""

    def __init__(self, participant: Participant, namespace: str, image_type: str) -> None:
        self.heard: dict[str, list[Any]] = {name: [] for name in OUTPUTS}
        self.counts = dict(STATUSES)  # They come from the newest diagnostics.
        self._participant, self._messages = participant, RosbagsMessages(participant.typestore)
        self._namespace, self._image_type = namespace, image_type
        self._writers: dict[str, Writer] = {}
        self._others: dict[str, Writer] = {}  # by topic
        self._readers = {
            name: participant.reader(
                f"rt{self.full_name(name)}", kind, self._hash(kind), depth=50, reliable=True
            )
            for name, kind in OUTPUTS.items()
        }

    def _hash(self, kind: str) -> bytes:
        return type_hash(self._messages.typestore, kind)

    def full_name(self, topic: str) -> str:
        return f"{self._namespace}/{topic.lstrip('/')}"

    @property
    def readers(self) -> dict[str, Reader]:
        return self._readers

    def keep(self, send: Send) -> None:
        """Send a message with durability transient local, which later readers receive as well."""
        topic, kind, _ = send.message(self._messages)
        name = f"rt{self.full_name(topic)}"
        self._writers[kind] = self._participant.writer(name, kind, self._hash(kind), transient=True)
        self.send(send)

    def plug(self) -> None:
        """Create the writers of the camera, and wait until the node has counted an invalid image.

        For a best-effort reader misses what comes before it knows its writer.
        """
        for topic, kind in ((INFO_TOPIC, INFO), (self.image_topic, self._image_type)):
            name = f"rt{self.full_name(topic)}"
            if kind not in self._writers:
                self._writers[kind] = self._participant.writer(name, kind, self._hash(kind))
        until(lambda: all(w.matched for w in self._writers.values()), "node that listens")
        greeting = self._messages.make(self._image_type, **GREETING[self._image_type])
        before, sent = self.counts["received"], 0

        def greeted() -> bool:
            nonlocal sent
            self._write(self._image_type, greeting)
            sent += 1
            self.listen(0.3)
            return self.counts["received"] > before

        until(greeted, "image received")
        quiet = len(self.heard[DIAGNOSTICS]) + 2  # Reports in which no late greeting is counted.
        known = self.counts["received"]

        def settled() -> bool:
            nonlocal quiet, known
            if self.counts["received"] > known:
                known, quiet = self.counts["received"], len(self.heard[DIAGNOSTICS]) + 2
            return known - before >= sent or len(self.heard[DIAGNOSTICS]) >= quiet

        self.listen_until(settled)
        self.listen_until(self.balanced)

    def other_writers(self) -> dict[str, Writer]:
        """Create other writers on the topics of the camera."""
        writers = {
            kind: self._participant.writer(f"rt{self.full_name(topic)}", kind)
            for topic, kind in ((INFO_TOPIC, INFO), (self.image_topic, self._image_type))
        }
        until(lambda: all(w.matched for w in writers.values()), "node that listens")
        return writers

    def unplug(self) -> None:
        while self._writers:
            self._participant.remove_writer(self._writers.popitem()[1])

    @property
    def image_topic(self) -> str:
        return IMAGE_TOPIC + ("/compressed" if self._image_type == COMPRESSED else "")

    def send(self, send: Send) -> tuple[str, int]:
        """Send a message; return its type and stamp."""
        _, kind, message = send.message(self._messages)
        self._write(kind, message)
        return kind, stamp_ns(message.header.stamp)

    def tell(self, send: Send) -> None:
        """Send a message of another sensor; its writer is created when the node has a reader."""
        topic, kind, message = send.message(self._messages)
        if topic not in self._others:
            latched = topic.endswith("static")
            name = f"rt{self.full_name(topic)}"
            writer = self._participant.writer(
                name, kind, self._hash(kind), depth=50, transient=latched
            )
            self._others[topic] = writer
            until(lambda: writer.matched, f"node that listens to {topic}")
        self._others[topic].write(self._messages.typestore.serialize_cdr(message, kind))

    def _write(self, kind: str, message: Any) -> None:
        self._writers[kind].write(self._messages.typestore.serialize_cdr(message, kind))

    def listen(self, seconds: float, deserialised: Container[str] = OUTPUTS) -> None:
        """Read the outputs for some time [s]; keep messages of the topics `deserialised`."""
        store, end = self._messages.typestore, time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self._participant.wait(min(left, 0.05))
            for name, reader in self._readers.items():
                while (payload := reader.take()) is not None:
                    if name in deserialised:
                        self.heard[name].append(store.deserialize_cdr(payload, OUTPUTS[name]))
        if self.heard[DIAGNOSTICS]:
            (status,) = self.heard[DIAGNOSTICS][-1].status
            values = {value.key: value.value for value in status.values}
            self.counts = {name: int(values[name]) for name in STATUSES}

    def listen_until(self, condition: Callable[[], object]) -> None:
        def met() -> object:
            self.listen(0.05)
            return condition()

        until(met, "answer, and no count of an image without one")

    def balanced(self) -> bool:
        """Whether the status of every received image is known."""
        received, *statuses = (self.counts[name] for name in STATUSES)
        return received == sum(statuses)


@contextmanager
def live(
    kind: type[LiveDriver],
    checkpoint: Path,
    domain: int,
    command: list[str] | None = None,
) -> Iterator[LiveDriver]:
    """Yield the driver of a live host, on a DDS domain that is held to this machine."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CYCLONEDDS_URI", domain_config())
        with kind.participant_class(RosbagsMessages().typestore, domain) as participant:
            driver = kind(participant, command or kind.command, checkpoint)
            try:
                yield driver
            finally:
                driver.close()


class LiveDriver:
    """Run depth nodes in other processes and perform steps on them."""

    live = True
    command: ClassVar = [sys.executable, "-m", "jasmine_ros.cli", "live"]
    participant_class: ClassVar[Any] = Participant  # of the camera and the listener
    sets_parameters = False

    def __init__(self, participant: Participant, command: list[str], checkpoint: Path) -> None:
        self._participant, self._command, self._checkpoint = participant, command, checkpoint
        self._running: dict[str, tuple[Node, Listener]] = {}  # by parameters
        self._started = 0

    def run(self, steps: list[Step], *, fresh: bool = False, **parameters: Any) -> Heard:
        kinds = [s.message(RosbagsMessages())[1] for s in steps if isinstance(s, Send)]
        image_type = COMPRESSED if COMPRESSED in kinds else IMAGE
        key = f"{image_type} {sorted(parameters.items())}"
        if fresh and key in self._running:
            self._running.pop(key)[0].kill()
        if key not in self._running:
            self._running[key] = self.start(image_type, **parameters)
        return self.let_happen(steps, *self._running[key])

    def start(
        self, image_type: str = IMAGE, before: Send | None = None, **parameters: Any
    ) -> tuple[Node, Listener]:
        """Start another node; return it and a listener that it has discovered.

        `before` is sent when there is no node yet, and kept for it.
        """
        node, listener = self.launch(image_type, before, **parameters)
        try:
            until(
                lambda: node.gone or all(r.matched for r in listener.readers.values()),
                "outputs",
                START,
            )
            assert not node.gone, node.said
            listener.plug()
        except BaseException:
            print(node.said)
            node.kill()
            raise
        return node, listener

    def launch(
        self, image_type: str = IMAGE, before: Send | None = None, **parameters: Any
    ) -> tuple[Node, Listener]:
        """Start another node as `start` does, but return it at once."""
        self._started += 1
        listener = Listener(self._participant, f"/robot_{self._started}", image_type)
        if before is not None:
            listener.keep(before)
        names = {
            "__ns": listener.full_name("").rstrip("/"),
            "image": listener.full_name(listener.image_topic),
            "camera_info": listener.full_name(INFO_TOPIC),
            DIAGNOSTICS: listener.full_name(DIAGNOSTICS),
            **{topic: listener.full_name(topic) for topic in OTHERS},
        }
        values = {"checkpoint": str(self._checkpoint), "device": "cpu", **parameters}
        return Node(self._command, self._participant.domain, names, values), listener

    def refusal(self, checkpoint: Path | None = None, **parameters: Any) -> str:
        node, _ = self.launch(checkpoint=str(checkpoint or self._checkpoint), **parameters)
        try:
            until(lambda: self.refused(node), "refusal", START)
            return node.said
        finally:
            node.kill()

    def refused(self, node: Node) -> bool:
        return node.gone and node.process.returncode != 0

    def change(self, node: Node, listener: Listener, change: Change) -> str | None:
        raise NotImplementedError("parameters of this host are set at start")

    def close(self) -> None:
        for node, _ in self._running.values():
            node.kill()

    def let_happen(self, steps: list[Step], node: Node, listener: Listener) -> Heard:
        before, refusals, statuses, sent = listener.counts, [], [], 0
        for heard in listener.heard.values():
            heard.clear()
        for step in steps:
            match step:
                case Send():
                    sent += self._send(listener, step)
                case Tell():
                    for send in step.sends:
                        listener.tell(send)
                        time.sleep(BURST)
                    listener.listen(TOLD)
                case Report():
                    self._hear_report(listener, before["received"] + sent)
                    statuses.append(listener.heard[DIAGNOSTICS][-1].status[0])
                case Burst():
                    for send in step.sends[:-1]:
                        listener.send(send)
                        time.sleep(BURST)
                    self._send(listener, step.sends[-1])
                    sent += len(step.sends)
                case Absence():
                    listener.unplug()
                    listener.listen(ABSENCE)
                    listener.plug()
                case Change():
                    refusals.append(self.change(node, listener, step))
        reports = len(listener.heard[DIAGNOSTICS])
        listener.listen_until(lambda: len(listener.heard[DIAGNOSTICS]) > reports)
        listener.listen_until(listener.balanced)
        counts = {name: listener.counts[name] - before[name] for name in STATUSES}
        heard = {name: list(messages) for name, messages in listener.heard.items()}
        return Heard(heard, counts, refusals, statuses)

    def _hear_report(self, listener: Listener, received: int) -> None:
        """Wait for a new report in which that many images are counted, each with a status."""
        known = len(listener.heard[DIAGNOSTICS])
        listener.listen_until(
            lambda: (
                len(listener.heard[DIAGNOSTICS]) > known
                and listener.counts["received"] >= received
                and listener.balanced()
            )
        )

    def _send(self, listener: Listener, send: Send) -> bool:
        """Send a message, wait for its result, and return whether it is an image."""
        known = listener.counts["received"]
        kind, stamp = listener.send(send)
        if kind == INFO:
            listener.listen(SETTLE)
            return False

        def answers() -> int:
            return sum(stamp_ns(depth.header.stamp) == stamp for depth in listener.heard[DEPTH])

        before = answers()  # of an image with the same timestamp, as in the loop of a bag
        listener.listen_until(
            lambda: (
                answers() > before or (listener.counts["received"] > known and listener.balanced())
            )
        )
        return True
