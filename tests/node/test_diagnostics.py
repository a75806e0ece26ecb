# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Reports of the component on /diagnostics."""

from __future__ import annotations

import pytest
from helpers.camera_bags import stamp
from helpers.component_rig import MemoryHost, Rig

from jasmine_core.errors import CheckpointError
from jasmine_ros.msgs.messages import make_header
from jasmine_ros.node.depth_component import DepthComponent
from jasmine_ros.node.diagnostics import ERROR, OK, WARN
from jasmine_ros.node.parameters import DepthParameters


def test_reports_hold_rates_latencies_and_counters(checkpoint):
    rig = Rig(checkpoint, MemoryHost(deferred=True), metres_per_unit=2.0)
    rig.info()
    rig.host.report()
    for second in range(1, 6):
        rig.host.time = 42 + second * 10**9
        for index in range(4):
            rig.host.waiting.clear()
            rig.image(4 * second + index)
        rig.host.work()
        report = rig.host.report()
    values = report.values
    assert (values["input_rate"], values["output_rate"]) == ("4.00 Hz", "1.00 Hz")
    assert (values["received"], values["processed"], values["dropped"]) == ("20", "5", "15")
    assert (values["scale"], values["scale_source"]) == ("metric", "parameter")
    assert values["backend"] == "torch on cpu, fp32" and values["state"] == "active"
    for stage in ("read", "encode", "denoise", "publish", "total"):
        assert all(f"p{n} " in values[f"latency_{stage}"] for n in (50, 95, 99))


@pytest.mark.parametrize(
    ("limits", "level", "words"),
    [
        ({"rate_warn": 0.5, "rate_error": 0.1}, OK, "depth is metric"),
        (
            {"rate_warn": 2.0, "rate_error": 0.1},
            WARN,
            "rate is 1.0 Hz, below rate_warn 2 Hz",
        ),
        ({"rate_warn": 9.0, "rate_error": 5.0}, ERROR, "below rate_error 5 Hz"),
        ({"latency_warn": 20.0, "latency_error": 500.0}, WARN, "above latency_warn 20 s"),
        ({"latency_warn": 10.0, "latency_error": 20.0}, ERROR, "above latency_error 20 s"),
        ({"age": 1e6}, WARN, "the clock differ by 100000"),
        ({"age": -58}, WARN, "the clock differ by 5"),
    ],
)
def test_thresholds_decide_the_level(checkpoint, limits, level, words):
    never = {"latency_warn": 0.0, "latency_error": 0.0}
    limits = dict(limits)
    age = round(limits.pop("age", 30) * 10**9)
    rig = Rig(checkpoint, metres_per_unit=2.0, **(never | limits))
    rig.info()
    rig.host.time = stamp(0)
    rig.host.report()
    for _ in range(3):
        rig.host.time += 10**9
        rig.image(0, header=make_header(rig.host.messages, rig.host.time - age, ""))
        report = rig.host.report()
    assert report.level == level and words in report.message


def test_reports_follow_the_life_cycle(checkpoint, tmp_path, monkeypatch):
    host = MemoryHost()
    component = DepthComponent(host, DepthParameters(checkpoint=str(tmp_path / "none")))
    assert host.report().message == "unconfigured"
    with pytest.raises(CheckpointError):
        component.configure()
    assert host.report().level == ERROR and "no checkpoint at" in host.report().message
    component.parameters = DepthParameters(checkpoint=str(checkpoint), metres_per_unit=1.0)
    states = []
    host.log = lambda severity, text: states.append(host.report().values["state"])
    monkeypatch.setattr("jasmine_ros.node.depth_component.PROGRESS", 0.001)
    component.configure()
    assert "loading" in states, "reports are made while the network is loaded"
    assert host.report().values["state"] == "inactive"
    component.activate()
    assert (host.report().level, host.report().values["state"]) == (OK, "active")
    component.deactivate()
    component.cleanup()
    assert host.report().values["state"] == "unconfigured"


def test_estimated_metres_are_a_warning_with_their_spread(make_model, tmp_path):
    make_model(metres_per_unit=30.0, scale_spread=0.25).save_pretrained(tmp_path / "learned")
    rig = Rig(tmp_path / "learned")
    report = rig.host.report()
    assert report.level == WARN and "estimated metres, with a spread of 25%" in report.message
    assert (report.values["scale"], report.values["scale_spread"]) == ("estimated", "0.25")
    assert any("estimated metres" in line for line in map(str, rig.host.logged))


def test_skipped_images_are_reported_with_the_reason(checkpoint):
    rig = Rig(checkpoint, metres_per_unit=1.0)
    rig.info()
    rig.host.report()
    rig.image(0, encoding="rgb24")
    rig.host.time += 10**9
    report = rig.host.report()
    assert report.level == WARN and "1 images skipped" in report.message
    assert "'rgb24'" in report.message
