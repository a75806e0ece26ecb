# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Contract driver of the rclpy host: the camera, the listener and the service calls are rclpy's."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, ClassVar

from helpers.live_topics import until

from contract.live_driver import Listener, LiveDriver
from contract.node_process import Node
from contract.rclpy_participant import RclpyParticipant
from contract.steps import Change
from jasmine_ros.bags.rosbags_messages import RosbagsMessages


class Ros2Driver(LiveDriver):
    """Run depth nodes of a ROS 2 installation."""

    command: ClassVar = [sys.executable, "-m", "jasmine_ros.depth_node"]
    participant_class: ClassVar = RclpyParticipant
    sets_parameters = True

    def change(self, node: Node, listener: Listener, change: Change) -> str | None:
        """Set parameters, all or none; return the reason of a refusal."""
        values = [(name, None, value) for name, value in change.parameters.items()]
        kind = "rcl_interfaces/srv/SetParametersAtomically"
        answer = self.ask(listener, kind, "set_parameters_atomically", parameters=values).result
        return None if answer.successful else answer.reason

    def ask(self, listener: Listener, kind: str, name: str, **fields: Any) -> Any:
        """Call a service of the node; return its answer."""
        service = listener.full_name(f"depth/{name}")
        return self._participant.call(kind, service, **fields)

    def refused(self, node: Node) -> bool:
        """A life-cycle node that cannot be configured stays, and logs the reason."""
        return node.gone or "[ERROR]" in node.said

    def clock(self, now: int) -> Callable[[], None]:
        """Return a function that publishes a time [ns] on `/clock`.

        A clock is published again and again: the writer may be matched before the node is, whose
        volatile subscription misses what was published before.
        """
        kind, messages = "rosgraph_msgs/msg/Clock", RosbagsMessages(self._participant.typestore)
        sec, nanosec = divmod(now, 10**9)
        time = messages.make("builtin_interfaces/msg/Time", sec=sec, nanosec=nanosec)
        clock = messages.make(kind, clock=time)
        writer = self._participant.writer("rt/clock", kind, transient=True)
        until(lambda: writer.matched, "node on simulated time")
        return lambda: writer.write(messages.typestore.serialize_cdr(clock, kind))
