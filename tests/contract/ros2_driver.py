# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Contract driver of the rclpy host: the camera, the listener and the service calls are rclpy's."""

from __future__ import annotations

import sys
from typing import Any, ClassVar

from contract.live_driver import Listener, LiveDriver, Node
from contract.rclpy_participant import RclpyParticipant
from contract.steps import Change


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
