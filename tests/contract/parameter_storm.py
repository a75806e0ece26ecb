# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Parameter clients of rclpy that set parameters of a node until the standard input is closed.

Usage: parameter_storm.py NODE CLIENTS SETS, where SETS is a JSON list of [parameters, valid]. It
prints the numbers of accepted, refused and wrong answers as JSON.
"""

from __future__ import annotations

import json
import select
import sys
from typing import Any

import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.parameter import Parameter
from rclpy.parameter_client import AsyncParameterClient

PATIENCE = 60.0  # [s] for the services of the node


def storm(target: str, clients: int, sets: list[tuple[dict[str, Any], bool]]) -> dict[str, int]:
    """Return the numbers of answers; each client has one request under way."""
    rclpy.init()
    node = rclpy.create_node("storm")
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    counts = {"accepted": 0, "refused": 0, "wrong": 0}
    pending: dict[int, tuple[Any, bool]] = {}
    callers = [AsyncParameterClient(node, target) for _ in range(clients)]
    assert all(caller.wait_for_services(PATIENCE) for caller in callers), f"no {target}"
    turn = 0
    closing = False
    while pending or not closing:
        closing = closing or bool(select.select([sys.stdin], [], [], 0)[0])
        for number, caller in enumerate(callers):
            if number not in pending and not closing:
                values, valid = sets[turn % len(sets)]
                parameters = [Parameter(name, value=value) for name, value in values.items()]
                # With one parameter, both services have the same meaning.
                one = len(parameters) == 1
                call = caller.set_parameters if one else caller.set_parameters_atomically
                pending[number] = call(parameters), valid
                turn += 1
        executor.spin_once(timeout_sec=0.05)
        for number, (future, valid) in list(pending.items()):
            if future.done():
                answer = future.result()
                results = answer.results if hasattr(answer, "results") else [answer.result]
                accepted = all(result.successful for result in results)
                counts["accepted" if accepted else "refused"] += 1
                counts["wrong"] += accepted != valid
                del pending[number]
    return counts


if __name__ == "__main__":
    target, clients, sets = sys.argv[1:]
    print(json.dumps(storm(target, int(clients), json.loads(sets))), flush=True)
