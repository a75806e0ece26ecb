# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Diagnostics of the node, published on /diagnostics once a second."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Lock
from time import monotonic
from typing import NamedTuple

from jasmine_core.artifacts.checkpoint import UNTRAINED
from jasmine_core.runtime.backend import BackendInfo
from jasmine_core.runtime.scale import Scale
from jasmine_core.runtime.statistics import Latencies
from jasmine_ros.msgs.messages import Messages, make_header
from jasmine_ros.msgs.types import Message
from jasmine_ros.node.frame_counts import FrameCounts
from jasmine_ros.node.parameters import DepthParameters

PERIOD = 1.0  # [s] between reports
OK, WARN, ERROR = 0, 1, 2  # levels of diagnostic_msgs/DiagnosticStatus
NAME = "depth"  # name of the diagnostic task
FRAMES = 300  # latest images from which latency percentiles are computed
REPORTS = 10  # latest reports from which rates are computed
MAX_LATENCY = 600.0  # [s] a larger one means that stamps and clock are not synchronised
PROBLEMS = ("temporal_problem", "scale_problem")  # facts that are warnings
TOTAL = "total"  # stage from the stamp of an image to the publication of its depth
UNCONFIGURED, LOADING, INACTIVE, ACTIVE, FAILED = (
    "unconfigured",
    "loading",
    "inactive",
    "active",
    "failed",
)


@dataclass(frozen=True)
class Report:
    """Content of one status on /diagnostics."""

    level: int  # OK, WARN or ERROR
    message: str
    values: dict[str, str]
    hardware_id: str  # topic of the images


@dataclass
class State:
    """Life-cycle state of the component."""

    phase: str = UNCONFIGURED
    problem: str = ""  # error of the phase `FAILED`
    enabled: bool = True  # by the service ~/enable
    subscribed: bool = True  # whether an output has a subscriber
    since: float = field(default_factory=monotonic)  # [s] start of the phase


class _Counts(NamedTuple):
    now: int  # [ns]
    received: int
    processed: int
    skipped: int


class Health:
    """Latest latencies and counters, with the report that is made from them."""

    def __init__(self) -> None:
        self._latencies, self._adding = Latencies(FRAMES), Lock()
        self._counts: deque[_Counts] = deque(maxlen=REPORTS + 1)

    def add(self, seconds: Mapping[str, float], total: float) -> None:
        """Add the duration [s] of each stage of an image, and its total latency [s]."""
        with self._adding:
            self._latencies.add({**seconds, TOTAL: total})

    def report(
        self,
        now: int,
        state: State,
        parameters: DepthParameters,
        counts: FrameCounts,
        info: BackendInfo | None,
        scale: Scale,
        topic: str,
        facts: Mapping[str, str],
    ) -> Report:
        """Return the report on the time since the oldest of the latest calls.

        Args:
            now: time of the host's clock [ns].
            state: state of the component.
            parameters: thresholds of the output rate and of the latency.
            counts: counters of the images.
            info: backend of the loaded network.
            scale: current metric scale.
            topic: topic of the images.
            facts: what is assumed and was found about the images, by subject.
        """
        latest = _Counts(now, counts.received, counts.processed, counts.skipped)
        if self._counts and now <= self._counts[-1].now:  # the clock was set back
            self._counts.clear()
        self._counts.append(latest)
        before, active = self._counts[0], state.phase == ACTIVE
        seconds = (now - before.now) / 1e9 if len(self._counts) > 1 else 0.0
        rates = [(a - b) / seconds if seconds else 0.0 for a, b in zip(latest, before, strict=True)]
        _, rate_in, rate_out, _ = rates
        with self._adding:
            latency = self._latencies.summary()

        # 1. Level and message: the most severe finding is first.
        found: list[tuple[int, str]] = []
        if state.phase == FAILED:
            found.append((ERROR, state.problem))
        elif state.phase == LOADING:
            found.append((OK, f"loading the network for {monotonic() - state.since:.0f} s"))
        elif not active:
            found.append((OK, state.phase))
        elif not state.enabled:
            found.append((OK, "disabled by ~/enable"))
        elif not state.subscribed:
            found.append((OK, "idle: no output has a subscriber"))
        elif seconds:
            total = latency.get(TOTAL, {}).get("p95", 0.0) / 1000
            found += _check_rate(parameters, rate_out) + _check_latency(parameters, total)
        if latest.skipped > before.skipped:
            count = latest.skipped - before.skipped
            found.append((WARN, f"{count} images skipped: {counts.last_reason}"))
        if active and (exposure := facts.get("exposure", "usable")) != "usable":
            found.append((WARN, f"the image is {exposure}; check the camera and the bits"))
        if active:
            found += [(WARN, facts[name]) for name in PROBLEMS if facts.get(name)]
        if info is not None:
            found.append(_check_scale(scale))
            if info.untrained:
                found.append((WARN, UNTRAINED))
        found.sort(key=lambda each: -each[0])
        level = max((each[0] for each in found), default=OK)

        # 2. Key-value pairs.
        values = {"state": state.phase, "scale": scale.state, "scale_source": scale.source}
        values["metres_per_unit"] = f"{scale.metres_per_unit:g}"
        values["scale_confidence"] = f"{scale.confidence:.2f}"
        values["scale_age"] = f"{scale.age:.1f} s"
        if scale.spread is not None:
            values["scale_spread"] = f"{scale.spread:.2f}"
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
        values |= facts
        for stage, ms in latency.items():
            figures = ", ".join(f"{name} {ms[name]:.1f}" for name in ("p50", "p95", "p99"))
            values[f"latency_{stage}"] = f"{figures} ms"
        return Report(level, "; ".join(text for _, text in found), values, topic)


def _check_scale(scale: Scale) -> tuple[int, str]:
    if scale.state == "holding":
        return WARN, f"depth is metric with a scale measured {scale.age:.0f} s ago"
    if scale.spread is not None and scale.state == "estimated":
        return WARN, f"depth is in estimated metres, with a spread of {scale.spread:.0%}"
    return (OK, "depth is metric") if scale.state == "metric" else (WARN, "depth is up-to-scale")


def _check_rate(p: DepthParameters, rate: float) -> list[tuple[int, str]]:
    """Compare the output rate [Hz] with its thresholds."""
    for level, name in ((ERROR, "rate_error"), (WARN, "rate_warn")):
        if rate < (least := getattr(p, name)):
            return [(level, f"output rate is {rate:.1f} Hz, below {name} {least:g} Hz")]
    return []


def _check_latency(p: DepthParameters, latency: float) -> list[tuple[int, str]]:
    """Compare the 95th percentile of the total latency [s] with its thresholds."""
    if not -1.0 < latency < MAX_LATENCY:
        return [
            (
                WARN,
                f"image stamps and the clock differ by {abs(latency):.0f} s; synchronise the "
                "clocks, or play a bag with --clock and set use_sim_time",
            )
        ]
    for level, name in ((ERROR, "latency_error"), (WARN, "latency_warn")):
        if (most := getattr(p, name)) and latency > most:
            return [(level, f"latency (p95) is {latency:.2f} s, above {name} {most:g} s")]
    return []


def diagnostic_array(messages: Messages, now: int, node: str, report: Report) -> Message:
    """Build a `DiagnosticArray` from a report.

    Args:
        messages: factory of the messages.
        now: time of the report [ns].
        node: name of the node with its namespace, so that an aggregator keeps two cameras apart.
        report: contents of the only status.
    """
    status = messages.make(
        "diagnostic_msgs/msg/DiagnosticStatus",
        level=report.level,
        name=f"{node.lstrip('/')}: {NAME}",
        message=report.message,
        hardware_id=report.hardware_id,
        values=[
            messages.make("diagnostic_msgs/msg/KeyValue", key=key, value=value)
            for key, value in report.values.items()
        ],
    )
    header = make_header(messages, now, "")
    return messages.make("diagnostic_msgs/msg/DiagnosticArray", header=header, status=[status])
