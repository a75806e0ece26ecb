# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Fixtures that many tests share: the smallest real network, and processes on a DDS domain."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from helpers.object_store import client_environment, forget_connections, make_bucket, s3_server
from hypothesis import settings

# OpenMP reads this when torch is loaded. Networks of this size are slower with more threads.
os.environ.setdefault("OMP_NUM_THREADS", "1")

from jasmine_ros.bags.rosbags_messages import RosbagsMessages
from jasmine_ros.dds.uri import domain_config

if TYPE_CHECKING:
    from jasmine_core.model.jasmine import JasmineModel
    from jasmine_ros.dds.participant import Participant

settings.register_profile("jasmine", derandomize=True, deadline=None)
settings.load_profile("jasmine")

NO_CYCLONE = find_spec("cyclonedds") is None  # there is no wheel for some machines
if NO_CYCLONE:
    collect_ignore = ["dds", "hosts", "commands/test_live.py", "commands/test_view.py"]


def pytest_report_header() -> str | None:
    """Say which tests are not collected, and why."""
    return f"cyclonedds is not installed: {collect_ignore} are left out" if NO_CYCLONE else None


@pytest.fixture(scope="session")
def make_model() -> Callable[..., JasmineModel]:
    """Return a function that builds an untrained model of the smallest size, seeded.

    Every kind of layer of the real one is in it, and it takes 64x64 px in some milliseconds.
    """
    import torch
    from diffusers import AutoencoderKL, DDIMScheduler, UNet2DConditionModel

    from jasmine_core.model.jasmine import JasmineConfig, JasmineModel
    from jasmine_core.model.presets import SCHEDULER
    from jasmine_core.model.ssg import ScaleShiftGRU, SSGConfig

    torch.set_num_threads(1)  # so small that threads would only wait for each other

    def build(seed: int = 0, ssg: SSGConfig | None = None, **config) -> JasmineModel:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            unet = UNet2DConditionModel(
                in_channels=8,
                out_channels=4,
                down_block_types=("CrossAttnDownBlock2D",) * 3 + ("DownBlock2D",),
                up_block_types=("UpBlock2D",) + ("CrossAttnUpBlock2D",) * 3,
                block_out_channels=(8, 16, 16, 16),
                layers_per_block=1,
                cross_attention_dim=16,
                attention_head_dim=(1, 2, 2, 2),
                norm_num_groups=4,
                use_linear_projection=True,
                class_embed_type="projection",
                projection_class_embeddings_input_dim=4,
            )
            vae = AutoencoderKL(
                down_block_types=("DownEncoderBlock2D",) * 4,
                up_block_types=("UpDecoderBlock2D",) * 4,
                block_out_channels=(8, 16, 16, 16),
                layers_per_block=1,
                norm_num_groups=4,
            )
            gru = ScaleShiftGRU(ssg or SSGConfig(hidden_dim=8, heads=2))
            text_embedding = torch.randn(1, 2, 16)
        size = {"height": 64, "width": 128, "description": f"smallest, random, seed {seed}"}
        scheduler = DDIMScheduler(**SCHEDULER)
        jasmine = JasmineConfig(**(size | config))
        return JasmineModel(jasmine, unet, vae, gru, scheduler, text_embedding).eval()

    return build


@pytest.fixture(scope="session")
def checkpoint(make_model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a saved model of the smallest size; copy it before changing it."""
    path = tmp_path_factory.mktemp("checkpoint") / "smallest"
    make_model().save_pretrained(path)
    return path


@pytest.fixture(autouse=True, scope="session")
def loopback() -> Iterator[None]:
    """Hold every DDS participant, of the processes started here too, to this machine."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CYCLONEDDS_URI", domain_config())
        patch.setenv("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
        patch.delenv("ROS_DOMAIN_ID", raising=False)
        yield


@pytest.fixture(autouse=True, scope="session")
def cache_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep exports and engines in a folder of this test process, not in the user's cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JASMINE_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def object_store() -> Iterator[str]:
    """Run a server of S3 on the loopback interface; return its URL."""
    with s3_server() as url:
        yield url


@pytest.fixture
def bucket(object_store: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the URL of an empty bucket as a path; the environment names its server."""
    for name, value in client_environment(object_store).items():
        monkeypatch.setenv(name, value)
    return make_bucket(f"test-{secrets.token_hex(6)}")


@pytest.fixture
def connections(bucket: Path) -> Iterator[Callable[[], None]]:
    """Return a function that lets the next use of a store read the environment again."""
    yield forget_connections
    forget_connections()


@pytest.fixture(scope="session")
def domain() -> int:
    """Return a domain of this test run's own, so that parallel ones do not meet."""
    return 1 + os.getpid() % 101


@pytest.fixture(scope="session")
def messages() -> RosbagsMessages:
    return RosbagsMessages()


@pytest.fixture
def participant(messages: RosbagsMessages, domain: int) -> Iterator[Participant]:
    module = "jasmine_ros.dds.participant"
    dds = pytest.importorskip(module, reason="no wheel of cyclonedds here")
    with dds.Participant(messages.typestore, domain) as participant:
        yield participant


@pytest.fixture(scope="module")
def start() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Return a function that runs Python code in another process, for as long as the tests run."""
    running = []

    def start(code: str, *arguments: object) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", code, *map(str, arguments)]
        environment = os.environ | {"OMP_NUM_THREADS": "1"}
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
        )
        running.append(process)
        return process

    yield start
    for process in running:
        process.kill()
        process.communicate(timeout=10)
