# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Rules of the architecture: allowed imports between packages, and the licence of every file."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path
from xml.etree import ElementTree

import jasmine_core

ROOT = Path(__file__).parents[1]
CORE = ROOT / "jasmine_core"
SPDX = [
    "# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers",
    "# SPDX-License-Identifier: Apache-2.0",
]
ROS = ("jasmine_ros", "rclpy", "sensor_msgs", "std_msgs", "geometry_msgs", "cv_bridge", "ament")

# Imports run from higher floors to lower ones; between packages of one floor, in one direction.
FLOORS = {
    **dict.fromkeys(("commands", "doctor", "doctor_gpu", "doctor_page"), 3),
    **dict.fromkeys(("train", "evaluate", "engines", "export", "runtime"), 2),
    **dict.fromkeys(("model", "loss", "prepare", "synthetic", "dataset", "artifacts"), 1),
    **dict.fromkeys(("geometry", "config", "files", "errors", "interrupt", "plots", "_version"), 0),
    **dict.fromkeys(("cache_folder", "child", "image_files", "locks", "outputs", "shard"), 0),
    **dict.fromkeys(("report", "store", "yaml_text"), 0),
}
ROS_FLOORS = {
    "entry": 5,
    "cli": 4,
    "commands": 3,
    "depth_node": 3,
    "hosts": 2,
    **dict.fromkeys(("bags", "dds", "node"), 1),
    "msgs": 0,
}
LIVE = ("numpy", "cv2", "yaml", "_yaml", "rclpy", "jasmine_core", "jasmine_ros")
# What Python 3.10, ROS 2 Humble's, does not have.
TOO_NEW = {
    "typing": {"Self", "Never", "LiteralString", "assert_never", "override", "Unpack"},
    "enum": {"StrEnum"},
    "datetime": {"UTC"},
    "contextlib": {"chdir"},
    "itertools": {"batched"},
    "tomllib": {None},
}


def core_modules() -> list[Path]:
    return sorted(CORE.rglob("*.py"))


def imports(file: Path) -> Iterator[tuple[str, str | None]]:
    """Yield (module, name or None) for every import of a file, lazy ones included."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from ((alias.name, None) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: imports are absolute here"
            yield from ((node.module or "", alias.name) for alias in node.names)


def package_of(file: Path) -> str:
    return file.relative_to(CORE).parts[0].removesuffix(".py")


def imported_packages(file: Path) -> Iterator[str]:
    """Yield the packages of the core that a file imports from, except its own."""
    for module, name in imports(file):
        first, *rest = module.split(".")
        if first == "jasmine_core":
            package = rest[0] if rest else name
            if package != package_of(file):
                yield package or ""


def test_imports_of_the_core_run_from_higher_floors_to_lower_ones():
    wrong = []
    for file in core_modules():
        if (package := package_of(file)) == "__init__":  # it imports on first use
            continue
        assert package in FLOORS, (
            f"{package} is new: give it a floor in this test and in the design"
        )
        wrong += [
            f"{file.relative_to(ROOT)} imports {other}"
            for other in imported_packages(file)
            if FLOORS.get(other, 99) > FLOORS[package]
        ]
    assert wrong == []


def test_no_two_packages_use_each_other():
    uses: dict[str, set[str]] = {}
    for file in core_modules():
        if package_of(file) != "__init__":
            uses.setdefault(package_of(file), set()).update(imported_packages(file))

    list(TopologicalSorter(uses).static_order())  # raises CycleError with the cycle


def test_the_core_does_not_import_ros():
    wrong = [
        f"{file.relative_to(ROOT)} imports {module}"
        for file in core_modules()
        for module, _ in imports(file)
        if module.split(".")[0].startswith(ROS)
    ]
    assert wrong == []


def test_every_module_of_the_core_imports_where_ros_does_not_exist():
    modules = [
        ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for file in core_modules()
    ]
    script = f"""
import importlib, sys

class NoRos:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0].startswith({ROS!r}):
            raise ImportError(name + " is blocked")

sys.meta_path.insert(0, NoRos())
try:
    import rclpy
except ImportError:
    pass
else:
    sys.exit("the block does not hold")
for module in {modules!r}:
    importlib.import_module(module)
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd="/", timeout=120
    )
    assert done.returncode == 0, done.stderr


def test_imports_of_jasmine_ros_run_from_higher_floors_to_lower_ones():
    wrong, uses = [], {}
    for file in sorted((ROOT / "jasmine_ros").rglob("*.py")):
        package = file.relative_to(ROOT / "jasmine_ros").parts[0].removesuffix(".py")
        if package == "__init__":
            continue
        packages = {m.split(".")[1] for m, _ in imports(file) if m.startswith("jasmine_ros.")}
        uses.setdefault(package, set()).update(packages - {package})
        wrong += [
            f"{file.relative_to(ROOT)} imports {other}"
            for other in packages - {package}
            if ROS_FLOORS[other] > ROS_FLOORS[package]
        ]
    assert wrong == []
    assert "commands" not in uses["depth_node"]
    list(TopologicalSorter(uses).static_order())  # raises CycleError with the cycle


# Hides every package but those of a live node, from `import` and from `find_spec`.
ONLY_LIVE = f"""
import sys
from importlib.machinery import BuiltinImporter, FrozenImporter, PathFinder

class OnlyLive:
    @staticmethod
    def find_spec(name, path=None, target=None):
        top = name.split(".")[0]
        if top in {LIVE!r} or top in sys.stdlib_module_names:
            return PathFinder.find_spec(name, path, target)
        return None

import cv2, numpy, yaml  # before the block: these may import what they like
sys.meta_path[:] = [BuiltinImporter, FrozenImporter, OnlyLive]
try:
    import torch
except ImportError:
    pass
else:
    sys.exit("the block does not hold")
"""


def run_live(script: str, **environment: str) -> str:
    """Return the output of a script that can import only what a live node may."""
    env = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    done = subprocess.run(
        [sys.executable, "-c", ONLY_LIVE + script],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=300,
        env=env,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_live_node_needs_only_numpy_opencv_and_yaml():
    run_live("""
from types import SimpleNamespace

import jasmine_ros.depth_node
from jasmine_ros.msgs.conversion import Conversion
from jasmine_ros.msgs.messages import RclpyMessages
from jasmine_ros.node.depth_component import DepthComponent
from jasmine_ros.node.parameters import DepthParameters

messages = RclpyMessages()
host = SimpleNamespace(
    messages=messages,
    conversion=Conversion(messages),
    resolve=str,
    diagnose=lambda source: None,
    now=lambda: 0,
)
DepthComponent(host, DepthParameters().at_start({"points_stride": 2})).report()
""")


def test_the_bundled_checkpoint_runs_with_numpy_opencv_and_yaml_only(tmp_path):
    """Backend auto takes OpenCV there, which runs the graph beside the checkpoint."""
    printed = run_live(
        """
import numpy as np

from jasmine_core.runtime.predictor import DepthPredictor

predictor = DepthPredictor.from_pretrained("jasmine-tiny")
image = np.random.default_rng(0).integers(0, 256, (96, 320, 3), np.uint8)
depth = predictor(image).depth
print(predictor.backend.info.name, depth.shape, bool(np.isfinite(depth).all()))
""",
        JASMINE_CACHE=str(tmp_path),
    )
    assert printed.split("\n")[0] == "opencv (96, 320) True"


def test_library_code_runs_on_python_3_10():
    wrong = []
    for file in [*core_modules(), *sorted((ROOT / "jasmine_ros").rglob("*.py"))]:
        ast.parse(file.read_text(), feature_version=(3, 10))
        wrong += [
            f"{file.relative_to(ROOT)} imports {module}.{name}"
            for module, name in imports(file)
            if name in TOO_NEW.get(module, set())
        ]
    assert wrong == []


def test_image_files_are_opened_by_python():
    """OpenCV's own functions refuse names that are not UTF-8."""
    found = [
        str(file.relative_to(ROOT))
        for folder in ("jasmine_core", "jasmine_ros", "training", "benchmarks")
        for file in sorted((ROOT / folder).rglob("*.py"))
        if re.search(r"cv2\.(imwrite|imread|VideoWriter|VideoCapture)\(", file.read_text())
    ]
    assert found == []


def unsafe_children(source: str) -> Iterator[str]:
    """Yield the expressions that start Python with modules of the working directory in reach."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.List | ast.Tuple):
            words = [item.value if isinstance(item, ast.Constant) else None for item in node.elts]
            if {"-m", "-c"} & set(words) and not {"-I", "-P"} & set(words):
                yield ast.unparse(node)
        elif isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            shell = any(keyword.arg == "shell" for keyword in node.keywords)
            starts = name.rpartition(".")[2] in ("get_context", "Process", "ProcessPoolExecutor")
            if shell or starts or name in ("os.system", "os.popen"):
                yield ast.unparse(node)


def test_child_processes_start_without_the_working_directory():
    found = [
        f"{file.relative_to(ROOT)}: {call}"
        for folder in ("jasmine_core", "jasmine_ros", "training", "benchmarks", "launch")
        for file in sorted((ROOT / folder).rglob("*.py"))
        for call in unsafe_children(file.read_text())
    ]
    assert found == []
    for refused in (
        "run([sys.executable, '-c', script])",
        "run(('python3', '-m', 'jasmine_ros.cli'))",
        "multiprocessing.get_context('spawn')",
        "ProcessPoolExecutor(4)",
        "os.system('jasmine run')",
    ):
        assert list(unsafe_children(refused)), refused


def python_files() -> list[Path]:
    folders = ("jasmine_core", "jasmine_ros", "tests", "benchmarks", "training", "launch", "docs")
    inside = [file for folder in folders for file in (ROOT / folder).rglob("*.py")]
    return sorted([*ROOT.glob("*.py"), *inside])


def test_every_file_has_its_licence():
    files = python_files()
    assert len(files) > 50
    wrong = []
    for file in files:
        lines = [line for line in file.read_text().splitlines()[:3] if not line.startswith("#!")]
        if lines[:2] != SPDX:
            wrong.append(str(file.relative_to(ROOT)))
    assert wrong == []


def test_one_version_everywhere():
    package = ElementTree.parse(ROOT / "package.xml").getroot()
    assert package.findtext("version") == jasmine_core.__version__
    assert package.findtext("license") == "Apache-2.0"
    printed = subprocess.run(
        [sys.executable, "setup.py", "--name", "--version", "--license"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=True,
    ).stdout.split()
    assert printed[-3:] == [package.findtext("name"), jasmine_core.__version__, "Apache-2.0"]
    assert re.fullmatch(r"\d+\.\d+\.\d+", jasmine_core.__version__)
