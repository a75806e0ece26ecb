# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Check of the live node on the packages of apt, with rclpy: `make apt-check`.

    check.py .venv-apt/bin/python

The given Python has OpenCV, NumPy and PyYAML of the distribution and rclpy, and nothing else that
the package can use. The node runs there with its default parameters; a camera sends images of the
bundled recording through real topics. This process computes the same depth with ONNX Runtime.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from importlib import resources
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import numpy as np
from numpy.typing import NDArray

from jasmine_core import DepthPredictor
from jasmine_core.artifacts.checkpoint import Checkpoint
from jasmine_core.artifacts.onnx_exports import Exports
from jasmine_core.cache_folder import ENVIRONMENT
from jasmine_core.runtime.predictor import best_size
from jasmine_ros.bags.reader import Bag

ROOT = Path(__file__).parents[2]
CHECKPOINT = "jasmine-tiny"
EVERY = 13  # images of the recording; four are sent
TOLERANCE = 1e-4  # of the largest depth
ABSENT = ("torch", "onnxruntime", "onnx", "cattrs", "safetensors", "tyro", "rosbags", "cyclonedds")
# Prints the versions, and fails if one of ABSENT can be imported.
DESCRIBE = f"""
import cv2, numpy, rclpy, yaml
from importlib.util import find_spec
found = [name for name in {ABSENT!r} if find_spec(name)]
assert not found, f"{{', '.join(found)}} can be imported"
print("OpenCV", cv2.__version__, "NumPy", numpy.__version__, "PyYAML", yaml.__version__)
"""
CAMERA = Path(__file__).with_name("camera.py")
LIMIT = 3600  # [s] for all images on a busy machine
HIDDEN = ("PYTHONPATH", "LD_LIBRARY_PATH", "AMENT_PREFIX_PATH", "VIRTUAL_ENV")
NODE = ("-m", "jasmine_ros.depth_node", "--ros-args", "-r", "image:=/camera/image")


def recording() -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """Return images [n,H,W,3] RGB of the bundled recording, and K [9]."""
    place = resources.files("jasmine_core") / "samples" / "street" / "drive"
    images, K = [], np.zeros(9)
    with Bag(Path(str(place))) as bag:
        for message in bag.messages(["/camera/image_rect/compressed", "/camera/camera_info"]):
            read = bag.decode(message)
            if message.topic.endswith("info"):
                K = np.asarray(read.k, np.float64)
            else:
                bgr = cv2.imdecode(np.frombuffer(read.data, np.uint8), cv2.IMREAD_COLOR)
                images.append(bgr[..., ::-1])
    return np.stack(images[::EVERY]), K


def expected(images: NDArray[np.uint8], K: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return the depth [n,H,W] of ONNX Runtime for a camera K [9], in estimated metres."""
    exports = Exports(Checkpoint.resolve(CHECKPOINT), plain=True)
    size = best_size((images.shape[2], images.shape[1]), exports.sizes("fp32"))
    graph = exports.obtain(size, "fp32")
    predictor = DepthPredictor.from_pretrained(graph, backend="onnxruntime")
    unit = predictor.metres_per_unit or 1.0
    return np.stack([predictor(image, float(K[0])).depth * unit for image in images])


def through_topics(
    python: str, images: NDArray[np.uint8], K: NDArray[np.float64], place: Path
) -> tuple[NDArray[np.float32], str]:
    """Return the depth [n,H,W] that the node publishes, and what it wrote."""
    np.savez(place / "images.npz", images=images, K=K)
    env = {key: value for key, value in os.environ.items() if key not in HIDDEN}
    env |= {
        "PYTHONPATH": str(ROOT),
        ENVIRONMENT: str(place / "cache"),
        "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST",
        "ROS_DOMAIN_ID": str(100 + os.getpid() % 100),
        "ROS_LOG_DIR": str(place / "log"),
    }
    log = place / "node.txt"
    with log.open("w") as stream:
        node = subprocess.Popen(
            [python, "-X", "importtime", *NODE], cwd=place, env=env, stdout=stream, stderr=stream
        )
    try:
        command = [python, str(CAMERA), "images.npz", "depths.npz"]
        done = subprocess.run(command, cwd=place, env=env, timeout=LIMIT)
    finally:
        node.send_signal(signal.SIGINT)
        try:
            node.wait(60)
        except subprocess.TimeoutExpired:
            node.kill()
    if done.returncode:
        raise SystemExit(f"the camera failed; the node wrote:\n{own_lines(log.read_text())}")
    return np.load(place / "depths.npz")["depths"], log.read_text()


def own_lines(log: str) -> str:
    """Return the lines of a log that are not about imports."""
    return "\n".join(line for line in log.splitlines() if not line.startswith("import time:"))


def imported(python: str, log: str) -> list[str]:
    """Return the packages outside the standard library that the node imported."""
    names = set(re.findall(r"^import time:.*\| +(\w+)", log, re.MULTILINE))  # also failed imports
    script = (
        "import sys; from importlib.util import find_spec; print(*filter(find_spec, sys.argv[1:]))"
    )
    tried = sorted(name for name in names - set(sys.stdlib_module_names) if name[0] != "_")
    command = [python, "-P", "-c", script, *tried]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, env=env, check=True, capture_output=True, text=True)
    return done.stdout.split()


def main(python: str) -> int:
    """Compare the depth of the node with that of ONNX Runtime; return the status."""
    print(
        subprocess.run([python, "-c", DESCRIBE], check=True, capture_output=True, text=True).stdout
    )
    images, K = recording()
    with TemporaryDirectory() as folder:
        got, log = through_topics(python, images, K, Path(folder))
    wanted = expected(images, K)
    assert got.shape == wanted.shape, (got.shape, wanted.shape)
    apart = float(np.abs(got - wanted).max() / wanted.max())
    packages = imported(python, log)
    print(own_lines(log))
    print(f"the node imported: {', '.join(packages)}")
    print(
        f"{len(got)} images: largest difference from ONNX Runtime {apart:.1e} of the largest depth"
    )
    if "opencv" not in own_lines(log).lower():
        raise SystemExit("the node did not run the network in OpenCV")
    if not apart <= TOLERANCE:
        raise SystemExit(f"the difference is above {TOLERANCE:g}")
    return 0


if __name__ == "__main__":
    sys.exit(main(str(Path(sys.argv[1]).absolute())))
