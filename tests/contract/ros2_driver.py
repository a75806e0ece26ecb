# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Driver of the contract tests for the rclpy host: the live driver with service calls."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any, ClassVar

from contract.live_driver import Listener, LiveDriver, Node
from contract.steps import Change

ASK = """
import json, sys
from importlib import import_module
import rclpy
from rclpy.parameter import Parameter
package, name = sys.argv[1].split("/srv/")
kind, fields = getattr(import_module(package + ".srv"), name), json.loads(sys.argv[3])
rclpy.init()
node = rclpy.create_node("someone")
client = node.create_client(kind, sys.argv[2])
assert client.wait_for_service(30), "no service " + sys.argv[2]
request = kind.Request()
for field, value in fields.items():
    if field == "parameters":
        value = [Parameter(*each).to_parameter_msg() for each in value]
    elif field == "transition":
        request.transition.id = value
        continue
    setattr(request, field, value)
future = client.call_async(request)
rclpy.spin_until_future_complete(node, future, timeout_sec=60)
result = getattr(future.result(), "result", future.result())
print(json.dumps({f: getattr(result, f) for f in result.get_fields_and_field_types()}))
"""


class Ros2Driver(LiveDriver):
    """Run depth nodes of a ROS 2 installation."""

    command: ClassVar = [sys.executable, "-m", "jasmine_ros.depth_node"]
    sets_parameters = True

    def change(self, node: Node, listener: Listener, change: Change) -> str | None:
        """Set parameters atomically; return the reason of a refusal."""
        values = [(name, None, value) for name, value in change.parameters.items()]
        kind = "rcl_interfaces/srv/SetParametersAtomically"
        answer = self.ask(node, listener, kind, "set_parameters_atomically", parameters=values)
        return None if answer["successful"] else answer["reason"]

    def ask(self, node: Node, listener: Listener, kind: str, name: str, **fields: Any) -> Any:
        """Call a service of the node; return the fields of its response."""
        arguments = [kind, listener.full_name(f"depth/{name}"), json.dumps(fields)]
        done = subprocess.run(
            [sys.executable, "-c", ASK, *arguments],
            capture_output=True,
            text=True,
            check=False,
            env=node.environment,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    def refused(self, node: Node) -> bool:
        """Whether the life-cycle node has logged the reason why it cannot be configured."""
        return node.gone or "[ERROR]" in node.said
