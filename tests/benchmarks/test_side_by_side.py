# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Table of times beside peers: the whole command on small networks, and the sizes of the peers."""

from __future__ import annotations

import json
import sys

import pytest
import torch
from helpers.benchmark_scripts import benchmark_script

SETTINGS = ("64x64_1thread", "64x64_2threads")


@pytest.fixture(scope="module")
def script():
    with benchmark_script("side_by_side") as module:
        yield module


@pytest.fixture
def peers(script, make_model, monkeypatch):
    """Replace the large networks by small ones of the same kinds; ultralytics is not installed."""
    monkeypatch.setitem(sys.modules, "ultralytics", None)
    networks = sys.modules["peers"].NETWORKS
    small = {
        "tiny": make_model,
        "dav2s": lambda: sys.modules["peers"].DepthAnythingV2(width=16, layers=4, heads=2),
    }
    for name, build in small.items():
        network = networks[name]
        multiple = 64 if name == "tiny" else network.multiple
        monkeypatch.setitem(networks, name, type(network)(network.title, build, multiple))
    return networks


def test_the_whole_command_writes_times_and_ratios(script, peers, tmp_path, capsys):
    torch.set_num_threads(1)
    options = script.Options(
        rounds=2,
        sizes=((64, 64),),
        networks=("tiny", "dav2s", "yolo26n"),
        json=tmp_path / "side_by_side.json",
    )
    script.main(options)
    written, printed = json.loads(options.json.read_text()), capsys.readouterr().out
    for name in ("tiny", "dav2s"):
        assert all(written[f"{name}_ms_{setting}"] > 0 for setting in SETTINGS)
        assert f"| {peers[name].title} |" in printed
    rows = written["side_by_side"]["rows"]
    assert len(rows) == 2 * len(SETTINGS)
    assert all(row["frame_ms"] > row["network_ms"] for row in rows)
    assert {(row["width"], row["height"]) for row in rows} == {(64, 64), (70, 70)}
    assert all(
        row["ratio"]["dav2s"] == {"network": 1, "network_processor": 1, "frame": 1}
        for row in rows
        if row["network"] == "dav2s"
    )
    assert "Load average" in printed and "goal 0.5" in printed
    assert "YOLO26n-depth is left out: ultralytics cannot be imported" in printed
    assert list(written["side_by_side"]["skipped"]) == ["yolo26n"]


def test_the_disparity_net_returns_depth_of_the_image_s_size(script):
    with torch.inference_mode():
        depth = sys.modules["peers"].NETWORKS["lite"].build().eval()(torch.rand(1, 3, 64, 96))
    assert depth.shape == (1, 1, 64, 96) and (depth > 0).all()


def test_a_peer_takes_the_nearest_size_of_its_own(script):
    network = sys.modules["peers"].NETWORKS["dav2s"]
    assert network.nearest((320, 96)) == (322, 98)
    assert network.nearest((640, 192)) == (644, 196)


def test_the_peer_has_the_published_number_of_weights(script):
    """Depth Anything V2 Small is published with 24.8 million weights."""
    model = sys.modules["peers"].NETWORKS["dav2s"].build()
    assert sum(p.numel() for p in model.parameters()) == pytest.approx(24.8e6, rel=2e-3)
