# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Report of a run of the depth node over a recording: `report.json`, a summary and a status."""

from __future__ import annotations

import resource
from pathlib import Path
from typing import Any

from jasmine_core import __version__
from jasmine_core.errors import JasmineError
from jasmine_core.interrupt import INTERRUPTED
from jasmine_core.runtime.backend import NETWORK_STAGES
from jasmine_core.runtime.statistics import DepthStatistics
from jasmine_ros.node.depth_component import DepthComponent

_UNITS = {"up-to-scale": "units (up-to-scale)", "estimated": "m (estimated)"}
PREVIEW, REPORT, PAGE = "preview.png", "report.json", "report.html"
END_OF_BAG, LIMIT, INTERRUPTION = "end of bag", "limit", "interrupted"


def make_report(
    source: dict[str, Any],
    component: DepthComponent,
    depths: DepthStatistics,
    seconds: float,
    ended_by: str,
) -> dict[str, Any]:
    """Return the report of a component after a run of `seconds`; `source` says what it ran on."""
    info, counts, latencies = (
        component.predictor.backend.info,
        component.counts,
        component.latencies,
    )
    network = sum(sum(latencies.seconds(stage)) for stage in NETWORK_STAGES)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # [MiB] on Linux
    return {
        "jasmine_ros": __version__,
        **source,
        "model": {
            "checkpoint": component.parameters.checkpoint,
            "description": info.model,
            "untrained": info.untrained,
            "backend": info.name,
            "device": info.device,
            "precision": info.precision,
        },
        "scale": {
            "state": component.scale.state,
            "metres_per_unit": component.scale.metres_per_unit,
            "source": component.scale.source,
        },
        "input": component.input_facts,
        "ended_by": ended_by,
        "frames": counts.summary(),
        "seconds": round(seconds, 3),
        "frames_per_second": round(counts.processed / seconds, 3) if seconds else 0.0,
        "not_network_share": round(1 - network / seconds, 4) if seconds else 0.0,
        "peak_memory_mib": round(peak, 1),
        "latency_ms": latencies.summary(),
        "depth": depths.summary(),
    }


def summary(report: dict[str, Any], output: Path) -> str:
    """Return the most important numbers of a report, and the places of its files, as text."""
    frames, depth = report["frames"], report["depth"]
    skipped = sum(kind["count"] for kind in frames["skipped"].values())
    lines = [
        f"{frames['processed']} of {frames['received']} images in {report['seconds']:.1f} s "
        f"({report['frames_per_second']:.1f} images/s), {skipped} skipped"
    ]
    if depth["median"] is not None:
        unit = _UNITS.get(report["scale"]["state"], "m")
        lines.append(
            f"depth from {depth['minimum']:.3g} to {depth['maximum']:.3g}, median "
            f"{depth['median']:.3g} {unit}"
        )
    lines.append(f"see {output / PREVIEW} and {output / REPORT}; the bag is {output / 'depth'}")
    return "\n".join(lines)


def exit_status(report: dict[str, Any], output: Path) -> int:
    """Return the exit status of a run; raise JasmineError if it failed."""
    if report["ended_by"] == INTERRUPTION:
        return INTERRUPTED
    if report["ended_by"] not in (END_OF_BAG, LIMIT):
        raise JasmineError(f"the run ended early: {report['ended_by']}")
    if not report["frames"]["processed"]:
        raise JasmineError(f"no image could be processed; {output / REPORT} states the reasons")
    return 0
