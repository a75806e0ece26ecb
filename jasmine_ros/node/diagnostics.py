# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Diagnostics of the node, published on /diagnostics once a second."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Lock
from time import monotonic
from typing import Any, NamedTuple

from jasmine_core.artifacts.checkpoint import UNTRAINED
from jasmine_core.runtime.backend import BackendInfo
from jasmine_core.runtime.scale import Scale
from jasmine_core.runtime.statistics import Latencies
from jasmine_ros.msgs.messages import Messages, make_header
from jasmine_ros.node.frame_counts import FrameCounts
from jasmine_ros.node.parameters import DepthParameters

PERIOD = 1.0  # [s]
OK, WARN, ERROR = 0, 1, 2  # of diagnostic_msgs/DiagnosticStatus
NAME = "depth"  # of the task
FRAMES = 300  # the latest, over which percentiles are taken
REPORTS = 10  # the latest, over which rates are taken
CREDIBLE = 600.0  # [s] an age beyond this means that stamps and clock have nothing in common
TOTAL = "total"  # from an image's stamp until its depth was published
UNCONFIGURED, LOADING, INACTIVE, ACTIVE, FAILED = (
    "unconfigured",
    "loading",
    "inactive",
    "active",
    "failed",
)


@dataclass(frozen=True)
class Report:
    """Hold one status of /diagnostics."""

    level: int  # OK, WARN or ERROR
    message: str
    values: dict[str, str]
    hardware_id: str  # the topic of the images


@dataclass
class Condition:
    """Hold what the component knows about itself."""

    phase: str = UNCONFIGURED
    problem: str = ""  # what made it fail
    enabled: bool = True
    listened: bool = True  # someone wants an output
    since: float = field(default_factory=monotonic)  # [s]


class _Counts(NamedTuple):
    now: int  # [ns]
    received: int
    processed: int
    skipped: int


class Health:
    """Keep the latest latencies and counts, and judge them."""

    def __init__(self) -> None:
        self._latencies, self._adding = Latencies(FRAMES), Lock()
        self._counts: deque[_Counts] = deque(maxlen=REPORTS + 1)

    def add(self, seconds: Mapping[str, float], total: float) -> None:
        """Record one frame's stages, and the age [s] of its image at the end."""
        with self._adding:
            self._latencies.add({**seconds, TOTAL: total})

    def judge(
        self,
        now: int,
        condition: Condition,
        parameters: DepthParameters,
        counts: FrameCounts,
        info: BackendInfo | None,
        scale: Scale,
        topic: str,
    ) -> Report:
        """Report on the time since the last few calls; `now` is in nanoseconds."""
        now_counted = _Counts(now, counts.received, counts.processed, counts.skipped)
        if self._counts and now <= self._counts[-1].now:  # the clock was set back
            self._counts.clear()
        self._counts.append(now_counted)
        before, active = self._counts[0], condition.phase == ACTIVE
        seconds = (now - before.now) / 1e9 if len(self._counts) > 1 else 0.0
        rates = [
            (a - b) / seconds if seconds else 0.0 for a, b in zip(now_counted, before, strict=True)
        ]
        _, rate_in, rate_out, _ = rates
        with self._adding:
            latency = self._latencies.summary()

        # 1. What is wrong, the worst first.
        found: list[tuple[int, str]] = []
        if condition.phase == FAILED:
            found.append((ERROR, condition.problem))
        elif condition.phase == LOADING:
            found.append((OK, f"loading the network for {monotonic() - condition.since:.0f} s"))
        elif not active:
            found.append((OK, condition.phase))
        elif not condition.enabled:
            found.append((OK, "disabled by ~/enable"))
        elif not condition.listened:
            found.append((OK, "idle: nobody subscribes to an output"))
        elif seconds:
            age = latency.get(TOTAL, {}).get("p95", 0.0) / 1000
            found += _judge_rate(parameters, rate_out) + _judge_age(parameters, age)
        if now_counted.skipped > before.skipped:
            count = now_counted.skipped - before.skipped
            found.append((WARN, f"{count} images skipped: {counts.last_reason}"))
        if info is not None:
            found.append(_judge_scale(scale))
            if info.untrained:
                found.append((WARN, UNTRAINED))
        found.sort(key=lambda each: -each[0])
        level = max((each[0] for each in found), default=OK)

        # 2. Figures.
        values = {"state": condition.phase, "scale": scale.state, "scale_source": scale.source}
        values["metres_per_unit"] = f"{scale.metres_per_unit:g}"
        values["scale_confidence"] = f"{scale.confidence:.2f}"
        values["scale_age"] = f"{scale.age:.1f} s"
        if info is not None:
            values["model"] = info.model
            values["backend"] = f"{info.name} on {info.device}, {info.precision}"
        values |= {
            "input_rate": f"{rate_in:.2f} Hz",
            "output_rate": f"{rate_out:.2f} Hz",
            "received": str(counts.received),
            "processed": str(counts.processed),
            "dropped": str(counts.dropped),
            "skipped": str(counts.skipped),
            "ignored": str(counts.ignored),
        }
        for stage, ms in latency.items():
            figures = ", ".join(f"{name} {ms[name]:.1f}" for name in ("p50", "p95", "p99"))
            values[f"latency_{stage}"] = f"{figures} ms"
        return Report(level, "; ".join(text for _, text in found), values, topic)


def _judge_scale(scale: Scale) -> tuple[int, str]:
    if scale.state == "holding":
        return WARN, f"metric depth by a scale that was measured {scale.age:.0f} s ago"
    return (OK, "metric depth") if scale.state == "metric" else (WARN, "depth is up-to-scale")


def _judge_rate(p: DepthParameters, rate: float) -> list[tuple[int, str]]:
    """Compare the output's rate [Hz] with its limits."""
    for level, least in ((ERROR, p.rate_error), (WARN, p.rate_warn)):
        if rate < least:
            return [(level, f"{rate:.1f} Hz come out, less than {least:g} Hz")]
    return []


def _judge_age(p: DepthParameters, age: float) -> list[tuple[int, str]]:
    """Compare the age of the depth [s] with its limits."""
    if not -1.0 < age < CREDIBLE:
        return [
            (
                WARN,
                f"stamps and clock are {abs(age):.0f} s apart; synchronise the clocks, or play a "
                "bag with --clock and set use_sim_time",
            )
        ]
    for level, most in ((ERROR, p.latency_error), (WARN, p.latency_warn)):
        if most and age > most:
            return [(level, f"depth is {age:.2f} s old (p95), more than {most:g} s")]
    return []


def diagnostic_array(messages: Messages, now: int, node: str, report: Report) -> Any:
    """Build the `DiagnosticArray` that diagnostic_updater would make of a report."""
    status = messages.make(
        "diagnostic_msgs/msg/DiagnosticStatus",
        level=report.level,
        name=f"{node}: {NAME}",
        message=report.message,
        hardware_id=report.hardware_id,
        values=[
            messages.make("diagnostic_msgs/msg/KeyValue", key=key, value=value)
            for key, value in report.values.items()
        ],
    )
    header = make_header(messages, now, "")
    return messages.make("diagnostic_msgs/msg/DiagnosticArray", header=header, status=[status])
