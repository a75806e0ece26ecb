# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Checkpoints that are deleted or overwritten while the node runs, or that contain pickles."""

from __future__ import annotations

import os
import pickle
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.camera_bags import pixels, stamp

from jasmine_core.artifacts.checkpoint import Checkpoint
from jasmine_core.errors import CheckpointError
from jasmine_core.model.checkpoint import load_checkpoint
from jasmine_ros.node.topics import DEPTH

IMAGES = 20
OVERWRITTEN = """
import sys
from pathlib import Path
import numpy as np
from jasmine_core import DepthPredictor
predictor = DepthPredictor.from_pretrained(sys.argv[1], device="cpu")
image = np.zeros((64, 64, 3), np.uint8)
before = predictor(image).depth
for file in Path(sys.argv[1]).rglob("*.safetensors"):
    file.write_bytes(b"short")
np.testing.assert_array_equal(before, predictor(image).depth)
"""


@pytest.mark.parametrize("backend", ["torch", "onnxruntime", "openvino"])
def test_a_checkpoint_can_be_deleted_while_the_node_runs(
    make_rig, make_model, checkpoint, tmp_path_factory, tmp_path, backend, record_property
):
    """The torch backend loads a checkpoint, the others a folder of exported graphs."""
    pytest.importorskip(backend)
    source = checkpoint
    if backend != "torch":
        pytest.importorskip("onnxscript")
        from helpers.folded_models import exported_checkpoint

        source = exported_checkpoint(make_model, tmp_path_factory.mktemp("exported")) / "onnx"
    mine = shutil.copytree(source, tmp_path / "mine")
    rig = make_rig(checkpoint=str(mine), backend=backend)
    rig.send(lambda bag: bag.info(0))
    rig.send(lambda bag: bag.image(stamp(0), pixels()))
    shutil.rmtree(mine)
    for index in range(1, 1 + IMAGES):
        rig.send(lambda bag, i=index: bag.image(stamp(i), pixels()))
    first, *rest = (depth.data.tobytes() for depth in rig.host.published[DEPTH])
    assert rest == [first] * IMAGES and rig.counts.skipped == 0
    record_property("images after the files were deleted", IMAGES)

    rig.component.deactivate()
    rig.component.cleanup()
    with pytest.raises(CheckpointError, match=f"no checkpoint at {mine}"):
        rig.component.configure()
    shutil.copytree(source, mine)
    rig.component.configure()
    rig.component.activate("sensor_msgs/msg/Image")
    rig.host.clear()
    rig.send(lambda bag: bag.info(0))
    rig.send(lambda bag: bag.image(stamp(0), pixels()))
    assert [depth.data.tobytes() for depth in rig.host.published[DEPTH]] == [first]


def test_a_checkpoint_can_be_overwritten_while_it_is_in_use(checkpoint, tmp_path):
    mine = shutil.copytree(checkpoint, tmp_path / "mine")
    done = subprocess.run(
        [sys.executable, "-c", OVERWRITTEN, str(mine)],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    assert done.returncode != -signal.SIGBUS, "the weights are still read from the file"
    assert done.returncode == 0, done.stderr


class MaliciousPickle:
    """An object whose pickle creates a file when it is loaded."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self):
        return Path.touch, (self.mark,)


@pytest.mark.parametrize(
    "file",
    [
        "unet/diffusion_pytorch_model.safetensors",
        "vae/diffusion_pytorch_model.safetensors",
        "ssg/model.safetensors",
        "text/empty_prompt.safetensors",
        "jasmine.json",
        "unet/config.json",
        "scheduler/scheduler_config.json",
    ],
)
def test_a_pickle_in_place_of_any_file_is_refused_and_not_executed(checkpoint, tmp_path, file):
    mark, mine = tmp_path / "mark", shutil.copytree(checkpoint, tmp_path / "mine")
    malicious = pickle.dumps(MaliciousPickle(mark))
    pickle.loads(malicious)
    assert mark.exists(), "the pickle would be executed"
    mark.unlink()
    (mine / file).write_bytes(malicious)
    with pytest.raises(CheckpointError, match=file.rpartition("/")[2].partition(".")[0]):
        load_checkpoint(Checkpoint.resolve(mine))
    assert not mark.exists()


def test_pickles_beside_the_safetensors_are_not_loaded(checkpoint, tmp_path):
    mark, mine = tmp_path / "mark", shutil.copytree(checkpoint, tmp_path / "mine")
    for folder in ("unet", "vae", "ssg", "."):
        for name in ("diffusion_pytorch_model.bin", "pytorch_model.bin", "model.pt", "model.pkl"):
            (mine / folder / name).write_bytes(pickle.dumps(MaliciousPickle(mark)))
    load_checkpoint(Checkpoint.resolve(mine))
    assert not mark.exists()
