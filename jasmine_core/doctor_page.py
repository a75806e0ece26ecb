# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Report of `jasmine doctor` for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from jasmine_core.doctor import GOOD, LACKING, WRONG, Finding
from jasmine_core.report import blocks
from jasmine_core.report.blocks import Facts, Findings, Level, Page, Section, Table, Text

_STATES = {GOOD: "present", LACKING: "missing", WRONG: "not usable"}


def doctor_page(
    checkpoint: str, findings: Sequence[Finding], measured: Mapping[str, Any] | None = None
) -> Page:
    """Return the page of findings; `measured` is the report of `examine_gpu`, if it was made."""
    wrong = [finding for finding in findings if finding.state == WRONG]
    failed = dict(measured["failed"]) if measured else {}
    problems = [blocks.Finding("problem", f"{f.topic}, {f.name}: {f.text}") for f in wrong]
    problems += [blocks.Finding("problem", f"{name}: {text}") for name, text in failed.items()]
    lacking = [
        blocks.Finding("note", f"{f.topic}, {f.name}", f.text)
        for f in findings
        if f.state == LACKING
    ]
    sections = [
        *([Section("Problems", (Findings(tuple(problems)),), wide=True)] if problems else []),
        *(_measurements(measured) if measured else []),
        *([Section("Missing", (Text(_MISSING), Findings(tuple(lacking))))] if lacking else []),
        *_topics(findings),
    ]
    level: Level = "problem" if problems else "good"
    count = f"{len(problems)} problem{'s' if len(problems) > 1 else ''}"
    return Page(
        f"What this machine has to run {checkpoint}",
        f"{sum(f.state == GOOD for f in findings)} things are present, {len(lacking)} are missing, "
        f"{len(wrong)} are not usable.",
        tuple(sections),
        level,
        count if problems else "no problem",
    )


_MISSING = "These are needed only for what their lines name."


def _topics(findings: Sequence[Finding]) -> list[Section]:
    sections = []
    for topic in dict.fromkeys(finding.topic for finding in findings):
        own = [finding for finding in findings if finding.topic == topic]
        rows = tuple((f.name, _STATES[f.state], f.text) for f in own)
        marked = tuple(i for i, f in enumerate(own) if f.state == WRONG)
        table = Table(("name", "state", "details"), rows, (), marked)
        sections.append(Section(topic.capitalize(), (table,), wide=True))
    return sections


def _measurements(measured: Mapping[str, Any]) -> list[Section]:
    """Return the measurements on a GPU: latency of each run, and the accuracy of the engines."""
    rows, facts = [], [("GPU", str(measured["gpu"]["name"])), ("date", str(measured["date"]))]
    for name, value in measured.items():
        if isinstance(value, Mapping) and "milliseconds" in value:
            total = value["milliseconds"].get("total", {})
            memory = value.get("memory_mib")
            rows.append(
                (
                    name.removeprefix("run "),
                    *(f"{total[key]:.2f}" if key in total else "" for key in ("p50", "p95", "p99")),
                    "" if memory is None else f"{memory:.0f}",
                )
            )
        elif isinstance(value, Mapping) and "accuracy" in value:
            width, height = value["size"]
            scores = ", ".join(f"{key} {number}" for key, number in value["accuracy"].items())
            facts.append((f"{name}, {width}x{height} px", scores))
    header = ("precision", "median [ms]", "95 % [ms]", "99 % [ms]", "memory [MiB]")
    table = [Table(header, tuple(rows), (1, 2, 3, 4))] if rows else []
    return [Section("Measured on the GPU", (*table, Facts(tuple(facts))), wide=True)]
