# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Warning about an input topic that is silent."""

from __future__ import annotations

from jasmine_ros.msgs.video import VIDEO_TYPES, video_remedy
from jasmine_ros.node.host import Host
from jasmine_ros.node.topics import COMPRESSED_TYPE, IMAGE_TYPE

TIMEOUT = 5  # [s]


class InputWatchdog:
    """Warn once if an input topic is silent."""

    def __init__(
        self, host: Host, name: str, topic: str, type_name: str, *, once: bool = False
    ) -> None:
        """Watch a topic; with `once` a single message is enough for the whole run."""
        self._host, self._name, self._topic, self._type_name = host, name, topic, type_name
        self._once = once
        self._silent_seconds, self._warned, self._done = 0, False, False

    def on_message(self) -> None:
        """Note that a message has arrived."""
        self._silent_seconds, self._done = 0, self._once
        if self._warned:
            self._warned = False
            self._host.log("info", f"{self._name} received on {self._topic}")

    def on_second(self) -> None:
        """Count a second, and warn if the topic has been silent for `TIMEOUT`."""
        self._silent_seconds += 1
        if self._silent_seconds >= TIMEOUT and not (self._warned or self._done):
            self._warned = True
            self._host.log(
                "warn", f"no {self._name} on {self._topic} for {TIMEOUT} s: {self._reason()}"
            )

    def _reason(self) -> str:
        found = self._host.publishers_of(self._topic)
        if not found:
            return "the topic has no publisher; check the camera driver and the remappings"
        text = f"the topic is published by {', '.join(map(str, found))}"
        types = {publisher.type_name for publisher in found}
        if self._type_name in types:
            return f"{text}, but no message arrives; check the network and the receive buffer"
        if video := types & VIDEO_TYPES.keys():
            return video_remedy(self._topic, min(video), live=True)
        text += f", but the node expects {self._type_name}"
        if types | {self._type_name} <= {COMPRESSED_TYPE, IMAGE_TYPE}:
            return f"{text}; set the parameter image_transport"
        return f"{text}; check the remappings"
