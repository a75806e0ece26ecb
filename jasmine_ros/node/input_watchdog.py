# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""One warning, with what is known, when an input does not come."""

from __future__ import annotations

from jasmine_ros.node.host import Host
from jasmine_ros.node.topics import COMPRESSED_TYPE, IMAGE_TYPE

PATIENCE = 5  # [s]


class Lateness:
    """Watch one input."""

    def __init__(
        self, host: Host, what: str, topic: str, type_name: str, once: bool = False
    ) -> None:
        self._host, self._what, self._topic, self._type_name = host, what, topic, type_name
        self._once = once  # one message is enough for ever
        self._waited, self._warned, self._done = 0, False, False

    def came(self) -> None:
        """Take note of a message."""
        self._waited, self._done = 0, self._once
        if self._warned:
            self._warned = False
            self._host.log("info", f"{self._what} comes on {self._topic} now")

    def tick(self) -> None:
        """Take note of a second that has passed."""
        self._waited += 1
        if self._waited >= PATIENCE and not (self._warned or self._done):
            self._warned = True
            self._host.log(
                "warn", f"no {self._what} on {self._topic} for {PATIENCE} s: {self._why()}"
            )

    def _why(self) -> str:
        found = self._host.publishers_of(self._topic)
        if not found:
            return "nobody publishes there; check the camera, and the name in your remappings"
        text = f"published there by {', '.join(map(str, found))}"
        types = {publisher.type_name for publisher in found}
        if self._type_name in types:
            return text
        text += f", but the node expects {self._type_name}"
        images = types | {self._type_name} <= {COMPRESSED_TYPE, IMAGE_TYPE}
        return f"{text}; see the parameter image_transport" if images else text
