# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Backend opencv in several versions of OpenCV, beside ONNX Runtime and torch.

    python benchmarks/opencv_versions.py .venv-apt/bin/python other/bin/python

Each argument is a Python with NumPy, OpenCV and PyYAML. All networks have one thread and take
turns, image by image. The times are of the processor. The difference is that of the final depth
from torch for images of the bundled recording, relative to the largest depth. The table goes to
the standard output.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib import resources
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter, process_time
from typing import Any

import numpy as np

ROUNDS = 12
CHECKPOINT = "jasmine-tiny"


class Worker:
    """Process with one backend, which answers each line with the times of one image."""

    def __init__(self, python: str, backend: str, checkpoint: str, place: Path) -> None:
        self.depth = place / f"{backend}-{abs(hash((python, checkpoint)))}.npy"
        command = [python, "-P"] if _has_safe_path(python) else [python]
        arguments = [__file__, "--worker", backend, checkpoint, str(place), str(self.depth)]
        root = str(Path(__file__).parents[1])
        threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
        self._process = subprocess.Popen(
            [*command, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | threads | {"PYTHONPATH": root},
        )
        self.version = self._answer()
        self.times: list[dict[str, float]] = []

    def run(self) -> None:
        """Run one image and keep its times."""
        if self.failure:
            return
        assert self._process.stdin
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        self.times.append(self._answer())

    @property
    def failure(self) -> str:
        """Last line of the error, empty while the process runs."""
        return "" if self.version is not None else self._error

    def close(self) -> None:
        """End the process."""
        self._process.communicate()

    def _answer(self) -> Any:
        assert self._process.stdout
        line = self._process.stdout.readline()
        if line:
            return json.loads(line)
        self.version, self._error = None, (self._process.communicate()[1].splitlines() or ["?"])[-1]
        return None


def _has_safe_path(python: str) -> bool:
    code = "import sys; sys.exit(sys.version_info < (3, 11))"
    return subprocess.run([python, "-I", "-c", code]).returncode == 0


def recording() -> np.ndarray:
    """Return a few images [n,3,96,320] in [0,1] of the bundled recording."""
    import cv2

    from jasmine_ros.bags.reader import Bag

    place = resources.files("jasmine_core") / "samples" / "street" / "drive"
    images = []
    with Bag(Path(str(place))) as bag:
        for message in bag.messages(["/camera/image_rect/compressed"]):
            data = np.frombuffer(bag.decode(message).data, np.uint8)
            bgr = cv2.resize(cv2.imdecode(data, cv2.IMREAD_COLOR), (320, 96))
            images.append(bgr[..., ::-1].transpose(2, 0, 1) / np.float32(255))
    return np.stack(images[::13])


def work(backend: str, checkpoint: str, place: str, depth: str) -> None:
    """Run a backend for each line of the standard input."""
    from jasmine_core.artifacts.checkpoint import Checkpoint
    from jasmine_core.runtime.backend import load_backend

    if backend == "opencv":
        import cv2 as library

        library.setNumThreads(1)
    elif backend == "torch":
        import torch as library

        library.set_num_threads(1)
    else:
        import onnxruntime as library

    images = np.ascontiguousarray(np.load(Path(place) / "images.npy"))
    net = load_backend(Checkpoint.resolve(checkpoint), backend, "cpu", "fp32")
    if hasattr(net, "require_size"):
        net.require_size((320, 96))
    np.save(depth, np.stack([net(image).depths[-1] for image in images]))
    print(json.dumps(library.__version__), flush=True)
    for index, _ in enumerate(sys.stdin):
        wall, processor = perf_counter(), process_time()
        net(images[index % len(images)])
        times = {"wall": perf_counter() - wall, "processor": process_time() - processor}
        print(json.dumps({name: 1e3 * value for name, value in times.items()}), flush=True)


def main(pythons: list[str]) -> None:
    """Run all versions in turn and print the table."""
    from jasmine_core.artifacts.checkpoint import Checkpoint
    from jasmine_core.artifacts.onnx_exports import Exports

    checkpoint = Checkpoint.resolve(CHECKPOINT)
    plain = str(Exports(checkpoint, plain=True).obtain((320, 96), "fp32"))
    with TemporaryDirectory() as folder:
        place = Path(folder)
        np.save(place / "images.npy", recording())
        rows = [("torch", sys.executable, "torch", CHECKPOINT)]
        rows += [("ONNX Runtime", sys.executable, "onnxruntime", CHECKPOINT)]
        rows += [("ONNX Runtime, plain graph", sys.executable, "onnxruntime", plain)]
        rows += [("OpenCV", python, "opencv", CHECKPOINT) for python in [*pythons, sys.executable]]
        workers = [(name, Worker(python, *rest, place)) for name, python, *rest in rows]
        for _ in range(ROUNDS):
            for _, worker in workers:
                worker.run()
        reference = np.load(workers[0][1].depth)
        base = median(t["processor"] for t in workers[2][1].times)
        print("| runtime | version | loads | difference | median, least [ms] | ratio |")
        print("|---|---|---|---|---|---|")
        for name, worker in workers:
            if worker.failure:
                print(f"| {name} | | no: {worker.failure} | | | |")
                continue
            apart = np.abs(np.load(worker.depth) - reference).max() / reference.max()
            spent = [t["processor"] for t in worker.times]
            figures = f"{median(spent):.0f}, {min(spent):.0f} | {median(spent) / base:.2f}x"
            print(f"| {name} | {worker.version} | yes | {apart:.1e} | {figures} |")
            worker.close()


if __name__ == "__main__":
    if sys.argv[1:2] == ["--worker"]:
        work(*sys.argv[2:])
    else:
        main(sys.argv[1:])
