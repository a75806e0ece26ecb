# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""The depth node of a ROS 2 installation: an rclpy life-cycle node around the component."""

from __future__ import annotations

import gc
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from inspect import signature
from typing import Any, NoReturn

import rclpy  # type: ignore[import-not-found]
from lifecycle_msgs.srv import ChangeState  # type: ignore[import-not-found]
from rcl_interfaces.msg import SetParametersResult  # type: ignore[import-not-found]
from rclpy.exceptions import InvalidHandle  # type: ignore[import-not-found]
from rclpy.executors import MultiThreadedExecutor  # type: ignore[import-not-found]
from rclpy.lifecycle import (  # type: ignore[import-not-found]
    LifecycleNode,
    TransitionCallbackReturn,
)
from rclpy.signals import SignalHandlerOptions  # type: ignore[import-not-found]

from jasmine_core.errors import ConfigError, JasmineError
from jasmine_core.interrupt import Interrupt
from jasmine_ros.hosts.ros2 import Ros2Host
from jasmine_ros.hosts.ros2_parameters import declare, undeclared, values
from jasmine_ros.node.core_log import core_log
from jasmine_ros.node.depth_component import DepthComponent
from jasmine_ros.node.parameters import DepthParameters, NodeParameters
from jasmine_ros.node.topics import DEPTH
from jasmine_ros.node.worker import end_process

SUCCESS, FAILURE = TransitionCallbackReturn.SUCCESS, TransitionCallbackReturn.FAILURE
TICK = 0.1  # [s] between checks for a request to stop
THREADS = 3  # life-cycle and parameters, inputs, timers


class DepthNode(LifecycleNode):  # type: ignore[misc]
    """Life-cycle node around the component.

    configure loads the network, activate creates the topics, deactivate removes them, and cleanup
    frees the network's memory.
    """

    def __init__(self, name: str = "depth", **arguments: Any) -> None:
        super().__init__(name, **arguments)
        self._problems = declare(self, DepthParameters()) + declare(self, NodeParameters())
        self.host = Ros2Host(self)
        self.component = DepthComponent(self.host, DepthParameters())
        self.changing = False  # in a transition
        self.add_on_set_parameters_callback(self._on_set_parameters)
        self._refuse_impossible_transitions()
        if self.get_parameter("autostart").value:
            # The life-cycle's callback group delays requests until the node has started.
            self._start = self.create_timer(0.0, self._autostart)

    def on_configure(self, state: Any) -> Any:
        """Load the network."""
        for name in undeclared(self):
            self.host.log("warn", f"parameter {name} is unknown and has no effect")
        return self._transition(self._configure)

    def on_activate(self, state: Any) -> Any:
        """Create the topics."""
        return self._transition(self._activate)

    def on_deactivate(self, state: Any) -> Any:
        """Remove the topics."""
        return self._transition(self.component.deactivate)

    def on_cleanup(self, state: Any) -> Any:
        """Free the network's memory."""
        return self._transition(self._free_memory)

    def on_shutdown(self, state: Any) -> Any:
        """Shut down from any state."""
        if state.label == "active":
            self.component.deactivate()
        return self._transition(self.component.cleanup)

    def on_error(self, state: Any) -> Any:
        """Return to the unconfigured state after an error."""
        return self.on_shutdown(state)

    # ------------------------------------------------------------------ underneath

    def _refuse_impossible_transitions(self) -> None:
        """Answer a request for a transition that the state does not have; rclpy up to Jazzy raises.

        The error would leave the executor and end the node.
        """
        for service in self.services:
            if service.srv_type is ChangeState:
                service.callback = partial(self._change_state, service.callback)

    def _change_state(self, change: Callable[[Any, Any], Any], request: Any, response: Any) -> Any:
        try:
            return change(request, response)
        except RuntimeError as err:  # RCLError, which rclpy does not export
            wanted = request.transition.label or request.transition.id
            self.host.log(
                "warn",
                f"transition {wanted} is refused ({_reason(err)}); "
                f"ros2 lifecycle list {self.get_fully_qualified_name()} shows the possible ones",
            )
            response.success = False
            return response

    def _autostart(self) -> None:
        self._start.cancel()
        if self.trigger_configure() == SUCCESS:
            self.trigger_activate()

    def _transition(self, step: Any) -> Any:
        """Run one transition; after an error, log it and stay in the previous state."""
        self.changing = True
        try:
            step()
        except JasmineError as err:
            self.host.log("error", str(err))
            return FAILURE
        except Exception as err:  # rclpy would not log it
            self.host.log("error", f"{type(err).__name__}: {err} (this is a bug)")
            return FAILURE
        finally:
            self.changing = False
        return SUCCESS

    def _configure(self) -> None:
        try:
            if self._problems:
                raise ConfigError("; ".join(self._problems))
            given = values(self, DepthParameters())
            self.component.parameters = DepthParameters().at_start(given)
        except ConfigError as err:
            self.component.fail(str(err))
            raise
        self.component.configure()
        gc.freeze()  # the garbage collector need not search the loaded network

    def _activate(self) -> None:
        try:
            self.component.activate()
        except Exception:
            self.component.deactivate()  # removes what was created before the error
            raise
        depth = self.host.resolve(DEPTH)
        self.host.log("info", f"subscribed to {self.component.image_topic}; depth on {depth}")

    def _free_memory(self) -> None:
        self.component.cleanup()
        gc.unfreeze()
        gc.collect()

    def _on_set_parameters(self, parameters: list[Any]) -> Any:
        own = DepthParameters.__dataclass_fields__
        changes = {p.name: p.value for p in parameters if p.name in own}
        try:
            self.component.on_parameters(changes)
        except ConfigError as err:
            return SetParametersResult(successful=False, reason=str(err))
        return SetParametersResult(successful=True)


def run_node(argv: list[str] | None = None) -> NoReturn:
    """Run the node until Ctrl-C, and end the process."""
    try:
        # rclpy's signal handlers would destroy the topics while a frame is being processed.
        rclpy.init(args=argv, signal_handler_options=SignalHandlerOptions.NO)
    except RuntimeError as err:  # RCLError, which rclpy does not export
        raise ConfigError(f"ROS 2 refuses an argument after --ros-args: {_reason(err)}") from err
    status = 0
    with Interrupt() as interrupt:
        node = DepthNode()
        executor = MultiThreadedExecutor(THREADS)
        executor.add_node(node)
        try:
            with core_log(node.host.log):
                while rclpy.ok() and not interrupt.requested:
                    _spin_once(executor)
                    if node.host.worker.failure is not None:
                        raise node.host.worker.failure
        except JasmineError as err:
            node.host.log("error", str(err))
            status = 1
        _leave(node, executor)
    end_process(status)


def _reason(error: RuntimeError) -> str:
    """Return the reason that an error of rcl gives, without the place in its source."""
    return str(error).split(": ", 1)[-1].split(", at /")[0]


def _spin_once(executor: Any) -> None:
    """Run the callbacks that are ready.

    rclpy raises InvalidHandle if another thread destroys an entity while rclpy builds its wait set
    or handles an event of that entity. No other event is lost, and the next call builds the wait
    set again.
    """
    with suppress(InvalidHandle):
        executor.spin_once(timeout_sec=TICK)


def _leave(node: DepthNode, executor: Any) -> None:
    """Shut the life-cycle down and destroy the node, unless a transition is running."""
    busy = node.changing
    if busy:
        node.host.log("info", "stopped in the middle of a transition")
    else:
        with suppress(RuntimeError):  # RCLError: the life-cycle was shut down by its service before
            node.trigger_shutdown()
    node.host.worker.close(grace=0)  # the frame that is being processed is not published
    _stop(executor)
    if not busy:
        node.destroy_node()
    rclpy.try_shutdown()


def _stop(executor: Any) -> None:
    """End the executor without waiting for a thread that loads a network."""
    options = {}
    if "wait_for_threads" in signature(executor.shutdown).parameters:  # since Kilted
        options["wait_for_threads"] = False
    executor.shutdown(timeout_sec=0.2, **options)
