# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
import re
from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).parent
PACKAGE = "jasmine_ros"
VERSION = re.search(
    r'__version__ = "(.+)"', (HERE / "jasmine_core" / "_version.py").read_text()
).group(1)


def share(folder):
    """List (installed folder, files) for what ROS reads from share/."""
    files = [str(f.relative_to(HERE)) for f in sorted((HERE / folder).glob("*")) if f.is_file()]
    return f"share/{PACKAGE}/{folder}", files


TORCH = ["torch>=2.2", "diffusers>=0.30"]
CONVERT = ["transformers>=4.37"]
LIVE = ['cyclonedds==11.0.*; platform_machine == "x86_64" and python_version < "3.14"']
TRAIN = ["accelerate>=0.27", "tensorboard"]

setup(
    name=PACKAGE,
    version=VERSION,
    description="Self-supervised monocular depth for ROS 2, taught by your own bag",
    long_description=(HERE / "README.md").read_text(),
    long_description_content_type="text/markdown",
    author="Jasmine ROS maintainers",
    maintainer="Jasmine ROS maintainers",
    license="Apache-2.0",
    python_requires=">=3.10",
    packages=find_packages(include=["jasmine_ros*", "jasmine_core*"]),
    package_data={
        "jasmine_core": ["py.typed", "samples/*/*/*", "checkpoints/*/*/*", "checkpoints/*/*"]
    },
    data_files=[
        ("share/ament_index/resource_index/packages", [f"resource/{PACKAGE}"]),
        (f"share/{PACKAGE}", ["package.xml"]),
        share("launch"),
        share("config"),
        share("training"),
    ],
    # Heavy packages are extras: colcon installs none of these, and on a Jetson pip must not
    # replace NVIDIA's own torch.
    install_requires=[
        "setuptools",
        "cattrs>=23.1",
        "numpy>=1.21",
        "opencv-python-headless<5",
        "PyYAML",
        "rosbags>=0.11,<0.12",
        "safetensors>=0.4",
        "tqdm",
        "tyro>=0.9",
    ],
    extras_require={
        "torch": TORCH,
        "train": TORCH + TRAIN,
        "live": LIVE,
        "convert": TORCH + CONVERT,
        "dev": [
            *TORCH,
            *CONVERT,
            *TRAIN,
            *LIVE,
            "hypothesis",
            "mypy",
            "pytest",
            "ruff",
            "types-PyYAML",
            "types-tqdm",
        ],
    },
    entry_points={
        "console_scripts": [
            "jasmine = jasmine_ros.cli:main",
        ],
    },
    zip_safe=False,
)
