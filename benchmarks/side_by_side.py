# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Time of jasmine-tiny beside the disparity net and peers, on ONNX Runtime, in one process.

    make bench
    .venv/bin/python benchmarks/side_by_side.py --rounds 60 --json side_by_side.json
    .venv/bin/python benchmarks/side_by_side.py --networks tiny dav2s --sizes 320 96 --threads 1

Every network runs inside the same node: an image message comes in, a depth message and its camera
go out. The time of the network and of the whole frame is measured in the same run. In each round
all networks run once in random order, so that other programs on the machine affect all of them
equally. A ratio is the median of the ratios within the rounds.
"""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import cv2
import numpy as np
import onnxruntime
import tyro
from frame_overhead import Metered, Sink
from numpy.typing import NDArray
from peers import NETWORKS, Missing, export

from jasmine_core.files import expect_writable
from jasmine_core.geometry.camera import Camera, Size
from jasmine_core.runtime.backend import BackendInfo, NetworkMaps
from jasmine_ros.msgs.camera_info import make_camera_info
from jasmine_ros.msgs.images import encode_image
from jasmine_ros.msgs.messages import make_header
from jasmine_ros.node.depth_component import DepthComponent
from jasmine_ros.node.parameters import DepthParameters

WARM_UP = 2  # rounds
CAMERA = (1280, 720)  # (width, height) [px] of the images that the node receives
GOALS = {"dav2s": 0.5, "yolo26n": 2.5}  # time of `tiny` divided by that of a peer
CHECKPOINT = "jasmine-tiny"  # The node loads a network, which is then replaced.


class Setting(NamedTuple):
    """Conditions of one comparison."""

    size: Size  # (width, height) [px]; a network takes the nearest size that it can
    threads: int

    def __str__(self) -> str:
        width, height = self.size
        return f"{width}x{height}_{self.threads}thread{'s' if self.threads > 1 else ''}"


@dataclass(frozen=True)
class Options:
    """Choose what is measured."""

    rounds: int = 20
    sizes: tuple[Size, ...] = ((320, 96), (640, 192))
    threads: tuple[int, ...] = (1, 2)
    networks: tuple[str, ...] = tuple(NETWORKS)
    json: Path | None = None


class Session:
    """Backend that runs one graph with a fixed number of threads."""

    def __init__(self, file: Path, info: BackendInfo, threads: int) -> None:
        self.info = info
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        options.intra_op_num_threads = threads
        # The node sets this, too: a robot shares its CPU.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = onnxruntime.InferenceSession(
            file, options, providers=["CPUExecutionProvider"]
        )
        self._input = self._session.get_inputs()[0].name

    def __call__(self, image: NDArray[np.float32]) -> NetworkMaps:
        depths = self._session.run(None, {self._input: image[None]})[-1][0]  # [n,h,w]
        return NetworkMaps(depths[-1], depths, {})


def exported(options: Options, folder: Path) -> tuple[dict[str, Any], dict[str, str]]:
    """Export every network in every size.

    Returns:
        (number of weights and files of each network, reasons why the others are left out)
    """
    found: dict[str, Any] = {}
    skipped: dict[str, str] = {}
    for name in options.networks:
        network = NETWORKS[name]
        try:
            model = network.build()
        except Missing as reason:
            skipped[name] = str(reason)
            continue
        files = {}
        for size in options.sizes:
            own = network.nearest(size)
            files[size] = export(model, folder / f"{name}-{own[0]}x{own[1]}", own)
        found[name] = {"weights": sum(p.numel() for p in model.parameters()), "files": files}
    return found, skipped


def node() -> tuple[DepthComponent, Any]:
    """Return an active node, and the message of one image for it."""
    host = Sink()
    component = DepthComponent(
        host, DepthParameters(checkpoint=CHECKPOINT, backend="torch", resize="stretch")
    )
    component.configure()
    component.activate("sensor_msgs/msg/Image")
    width, height = CAMERA
    K = np.array([[0.6 * width, 0, width / 2], [0, 0.6 * width, height / 2], [0, 0, 1]])
    header = make_header(host.messages, 1, "camera")
    component.on_camera_info(make_camera_info(host.messages, header, Camera(width, height, K)))
    noise = np.random.default_rng(0).integers(0, 255, (height, width, 3), np.uint8)
    return component, encode_image(host.messages, header, noise, "rgb8")


def measure(options: Options) -> dict[str, Any]:
    """Run all networks in all settings; return a row for each, with the skipped networks."""
    cv2.setNumThreads(1)
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as temporary:
        networks, skipped = exported(options, Path(temporary))
        sessions: dict[Setting, dict[str, Metered]] = {}
        for size in options.sizes:
            for threads in options.threads:
                sessions[Setting(size, threads)] = {
                    name: Metered(_session(name, made["files"][size], size, threads))
                    for name, made in networks.items()
                }
        samples = _rounds(sessions, options.rounds)
    return {
        "date": datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "camera": CAMERA,
        "rounds": options.rounds,
        "load": [load, os.getloadavg()[0]],  # of one minute, at the start and at the end
        "skipped": skipped,
        "rows": [
            _row(name, setting, networks[name]["weights"], samples[setting])
            for setting in sessions
            for name in networks
        ],
    }


def _session(name: str, file: Path, size: Size, threads: int) -> Session:
    network = NETWORKS[name]
    info = BackendInfo(
        name="onnxruntime",
        device="cpu",
        precision="fp32",
        model=network.title,
        nominal_size=network.nearest(size),
        metres_per_unit=None,
        multiple=network.multiple,
    )
    return Session(file, info, threads)


def _rounds(
    sessions: dict[Setting, dict[str, Metered]], rounds: int
) -> dict[Setting, dict[str, NDArray[np.float64]]]:
    """Return [rounds, 3] s of each network: wall and processor time, wall time of the frame."""
    component, message = node()
    rng = np.random.default_rng(0)
    samples: dict[Setting, dict[str, list[tuple[float, float, float]]]] = {
        setting: {name: [] for name in networks} for setting, networks in sessions.items()
    }
    for _ in range(WARM_UP + rounds):
        for setting, networks in sessions.items():
            for name in rng.permutation(list(networks)):
                network = component.predictor.backend = networks[name]
                began = perf_counter()
                component.on_image(message)
                frame = perf_counter() - began
                samples[setting][name].append((network.wall, network.processor, frame))
    if component.counts.skipped:
        raise SystemExit(f"frames were skipped: {component.counts}")
    return {
        setting: {name: np.array(values[WARM_UP:]) for name, values in networks.items()}
        for setting, networks in samples.items()
    }


def _row(
    name: str, setting: Setting, weights: int, samples: dict[str, NDArray[np.float64]]
) -> dict[str, Any]:
    network_ms, processor_ms, frame_ms = 1e3 * np.median(samples[name], axis=0)
    width, height = NETWORKS[name].nearest(setting.size)
    return {
        "network": name,
        "title": NETWORKS[name].title,
        "weights": weights,
        "setting": str(setting),
        "width": width,
        "height": height,
        "threads": setting.threads,
        "network_ms": network_ms,
        "network_processor_ms": processor_ms,
        "frame_ms": frame_ms,
        "ratio": {
            peer: dict(
                zip(
                    ("network", "network_processor", "frame"),
                    np.median(samples[name] / samples[peer], axis=0).tolist(),
                    strict=True,
                )
            )
            for peer in GOALS
            if peer in samples
        },
    }


def summarise(result: dict[str, Any]) -> dict[str, float]:
    """Return the time of each network in each setting, such as tiny_ms_320x96_1thread."""
    found = {}
    for row in result["rows"]:
        found[f"{row['network']}_ms_{row['setting']}"] = row["network_ms"]
        if row["network"] == "tiny":
            for peer, ratio in row["ratio"].items():
                found[f"tiny_ratio_to_{peer}_{row['setting']}"] = ratio["network"]
    return found


def table(result: dict[str, Any]) -> str:
    """Return the result as Markdown."""
    width, height = result["camera"]
    peers = [peer for peer in GOALS if any(peer in row["ratio"] for row in result["rows"])]
    titles = ["network", "weights", "input", "threads", "network [ms]", "processor time [ms]"]
    titles += ["whole frame [ms]"]
    for peer in peers:
        titles += [f"time / {NETWORKS[peer].title}", "processor", "whole frame"]
    lines = [f"| {' | '.join(titles)} |", "|:--" + "|--:" * (len(titles) - 1) + "|"]
    for row in result["rows"]:
        cells = [
            row["title"],
            f"{row['weights'] / 1e6:.1f} M",
            f"{row['width']}x{row['height']}",
            str(row["threads"]),
            *(f"{row[k]:.1f}" for k in ("network_ms", "network_processor_ms", "frame_ms")),
        ]
        cells += [f"{value:.2f}" for peer in peers for value in row["ratio"][peer].values()]
        lines.append(f"| {' | '.join(cells)} |")
    before, after = result["load"]
    lines += [
        "",
        f"ONNX Runtime, fp32; medians of {result['rounds']} rounds with all networks in turn; "
        f"images of {width}x{height} px, no cloud. Load average {before:.1f} at the start and "
        f"{after:.1f} at the end, on {os.cpu_count()} cores.",
    ]
    for peer in peers:
        found = [
            f"{row['ratio'][peer]['network']:.2f} at {row['setting'].replace('_', ' ')}"
            for row in result["rows"]
            if row["network"] == "tiny"
        ]
        if found:
            title = NETWORKS[peer].title
            lines += ["", f"Time of tiny / {title} (goal {GOALS[peer]:g}): {', '.join(found)}."]
    lines += [
        f"\n{NETWORKS[name].title} is left out: {reason}."
        for name, reason in result["skipped"].items()
    ]
    return "\n".join(lines)


def main(options: Options) -> None:
    """Measure, print the table, and write the JSON file if one is given."""
    if options.json:
        expect_writable(options.json, "--json")
    result = measure(options)
    print(table(result))
    if options.json:
        figures = summarise(result) | {"side_by_side": result}
        options.json.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main(tyro.cli(Options, description=__doc__))
