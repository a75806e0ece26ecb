# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Report of a run for people: `report.html`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jasmine_core.report.blocks import (
    Block,
    Facts,
    Finding,
    Findings,
    Level,
    Page,
    Section,
    Table,
    Text,
    Tiles,
)
from jasmine_core.runtime.album import Album
from jasmine_ros.commands.run_report import END_OF_BAG, LIMIT

_SCALES = {
    "metric": "depth in metres",
    "estimated": "depth in estimated metres",
    "holding": "depth in metres, with the last scale that was measured",
    "up-to-scale": "depth without a unit",
}


def run_page(report: dict[str, Any], album: Album, more: Sequence[Section] = ()) -> Page:
    """Return the page of a run from its report; `more` sections come after the images."""
    name = Path(report["bag"]).name
    frames, findings = report["frames"], _findings(report)
    finished = report["ended_by"] in (END_OF_BAG, LIMIT) and frames["processed"]
    levels = {finding.level for finding in findings}
    level: Level = "problem" if not finished or "problem" in levels else "good"
    level = "warning" if level == "good" and "warning" in levels else level
    verdict = "finished" if finished else "ended early" if frames["processed"] else "no depth"
    sections = [
        Section("Result", (_tiles(report), *([Findings(findings)] if findings else ()))),
        Section("Image and depth", (*_note(album), *album.sliders)),
        *more,
        Section("Over time", album.charts(_unit(report)), wide=True),
        Section("Largest changes of depth", (Text(_JUMPS), *album.jumps)),
        Section("Latency by stage", (_latencies(report),), wide=True),
        Section("Input and model", (Facts(_facts(report)),), wide=True),
    ]
    return Page(
        f"Depth of {name}",
        f"{frames['processed']} of {frames['received']} images in {report['seconds']:.1f} s; "
        f"{_SCALES.get(report['scale']['state'], report['scale']['state'])}.",
        tuple(section for section in sections if _has_content(section)),
        level,
        verdict,
    )


_JUMPS = (
    "Between these images and the ones before them the median depth changed most. A cut, a moving "
    "object close to the camera, or an image without texture are usual reasons."
)


def _has_content(section: Section) -> bool:
    return any(not isinstance(block, Text) for block in section.blocks)


def _note(album: Album) -> tuple[Text, ...]:
    text = (
        "Move the slider over an image. Near is bright, far is dark, unknown is black; the colours "
        "of each image have their own range."
    )
    return (Text(text),) if album.sliders else ()


def _tiles(report: dict[str, Any]) -> Tiles:
    frames, depth, unit = report["frames"], report["depth"], _unit(report)
    skipped = sum(kind["count"] for kind in frames["skipped"].values())
    items = [
        (str(frames["processed"]), "images processed"),
        (str(frames["dropped"] + skipped), "images not processed"),
        (f"{report['frames_per_second']:.1f}", "images per second"),
    ]
    if depth["median"] is not None:
        items += [
            (f"{depth['median']:.3g}", f"median depth [{unit}]"),
            (f"{depth['minimum']:.3g} to {depth['maximum']:.3g}", f"range of depth [{unit}]"),
            (f"{depth['known_share']:.0%}", "pixels with depth"),
        ]
    return Tiles((*items, (f"{report['peak_memory_mib']:.0f}", "peak memory [MiB]")))


def _unit(report: dict[str, Any]) -> str:
    return "units" if report["scale"]["state"] == "up-to-scale" else "m"


def _findings(report: dict[str, Any]) -> tuple[Finding, ...]:
    """Return what a user should know about a run, with remedies."""
    found = []
    frames, scale = report["frames"], report["scale"]["state"]
    if report["ended_by"] not in (END_OF_BAG, LIMIT):
        remedy = "The result up to there can be read; repeat the command for the rest."
        found.append(Finding("problem", f"The run ended early: {report['ended_by']}", remedy))
    if report["model"]["untrained"]:
        remedy = "Choose a trained checkpoint with --checkpoint."
        found.append(
            Finding("problem", "The network is not trained; its depth has no meaning.", remedy)
        )
    for kind, skipped in frames["skipped"].items():
        examples = "; ".join(skipped["examples"])
        text = f"{skipped['count']} images were {kind}: {examples}"
        found.append(Finding("warning", text, "The other images are not affected."))
    for topic, damage in report["damaged_messages"].items():
        text = f"{damage['count']} messages on {topic} are damaged: {damage['example']}"
        found.append(Finding("warning", text, "They were left out; record the topic again."))
    if frames["stamped_backwards"]:
        text = f"{frames['stamped_backwards']} images have an earlier timestamp than the one before"
        found.append(Finding("warning", text, "Check the clock of the camera driver."))
    if scale == "up-to-scale":
        remedy = (
            "Set --metres-per-unit, measure the scale with --scale-mode, or train with odometry."
        )
        found.append(Finding("note", "Depth is up-to-scale: it is not in metres.", remedy))
    elif scale == "estimated":
        text = "The metres are estimated: the scale was learned from other cameras."
        remedy = "Set --metres-per-unit or --scale-mode, or train with odometry."
        found.append(Finding("note", text, remedy))
    return tuple(found)


def _latencies(report: dict[str, Any]) -> Block:
    rows = [
        (stage, *(f"{values[name]:.1f}" for name in ("mean", "p50", "p95", "p99")))
        for stage, values in report["latency_ms"].items()
    ]
    header = ("stage", "mean [ms]", "median [ms]", "95 % [ms]", "99 % [ms]")
    return Table(header, tuple(rows), (1, 2, 3, 4)) if rows else Text("no image was processed")


def _facts(report: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    model, scale = report["model"], report["scale"]
    metres = scale["metres_per_unit"]
    options = ", ".join(f"{name} = {value}" for name, value in report["options"].items())
    facts = {
        "recording": str(report["bag"]),
        "images": report["camera"]["image"],
        "camera info": report["camera"]["camera_info"],
        "checkpoint": f"{model['checkpoint']} ({model['description']})",
        "backend": f"{model['backend']} on {model['device']}, {model['precision']}",
        "scale": f"{scale['state']}, {scale['source']}"
        + (f", {metres:.4g} m per unit" if isinstance(metres, float | int) else ""),
        "options": options or "defaults",
        "ended by": report["ended_by"],
    }
    facts |= {name.replace("_", " "): fact for name, fact in report["input"].items()}
    return tuple((name, str(fact)) for name, fact in facts.items())
