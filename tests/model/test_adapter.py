# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Image adapter: its features, and its files in a checkpoint."""

from __future__ import annotations

import json
import shutil

import pytest
import torch
from helpers.folded_models import randomised

from jasmine_core import JasmineModel
from jasmine_core.config import from_mapping
from jasmine_core.errors import CheckpointError, ConfigError
from jasmine_core.model.adapter import AdapterConfig
from jasmine_core.model.jasmine import JasmineConfig

torch.set_num_threads(1)


@pytest.fixture(scope="module")
def model():
    return randomised(JasmineModel.from_preset("tiny"), 0.02)


@pytest.fixture(scope="module")
def saved(model, tmp_path_factory):
    path = tmp_path_factory.mktemp("adapted") / "checkpoint"
    model.save_pretrained(path)
    return path


@pytest.fixture
def folder(saved, tmp_path):
    return shutil.copytree(saved, tmp_path / "checkpoint")


def image(seed=0):
    return torch.rand(2, 3, 64, 96, generator=torch.Generator().manual_seed(seed))


def test_features_affect_both_tasks(model):
    with torch.no_grad():
        latent, features = model.encode(image()), model.adapt(image())
        for task in ("depth", "reconstruct"):
            with_own, with_others = (
                model.denoise(latent, task, f) for f in (features, model.adapt(image(1)))
            )
            assert (with_own - with_others).abs().max() > 1e-3


def test_every_residual_affects_the_output(model):
    with torch.no_grad():
        latent, features = model.encode(image()), model.adapt(image())
        plain = model.denoise(latent, "depth", features)
        for i, residual in enumerate(features.residuals):
            others = [r.clone() for r in features.residuals]
            others[i] = residual + 1
            changed = model.denoise(latent, "depth", features._replace(residuals=others))
            assert (changed - plain).abs().max() > 1e-4


def test_features_are_not_changed_by_their_use(model):
    with torch.no_grad():
        latent, features = model.encode(image()), model.adapt(image())
        first, again = (model.denoise(latent, "depth", features) for _ in "ab")
    assert torch.equal(first, again)


def test_adapter_is_restored_from_a_checkpoint(model, saved):
    loaded = JasmineModel.from_pretrained(saved)
    assert loaded.adapter.config == model.adapter.config
    assert loaded.config == model.config
    with torch.no_grad():
        assert torch.equal(loaded(image()).depth, model(image()).depth)


def test_checkpoint_without_adapter_loads_without_one(checkpoint):
    model = JasmineModel.from_pretrained(checkpoint)
    assert model.adapter is None and model.adapt(image()) is None
    assert not (checkpoint / "adapter").exists()


def test_older_checkpoints_use_the_depth_code_of_the_paper(checkpoint):
    file = checkpoint / "jasmine.json"
    kept = {"height", "width", "timestep", "task_depth", "task_reconstruct", "metres_per_unit"}
    values = {k: v for k, v in json.loads(file.read_text()).items() if k in kept}
    config = from_mapping(JasmineConfig, values, "jasmine.json")
    assert config.ssi_space == "depth" and config.canonical_focal is None


def test_checkpoint_without_its_adapter_is_refused(folder):
    shutil.rmtree(folder / "adapter")
    with pytest.raises(
        CheckpointError, match="or the folder adapter is missing; copy the whole checkpoint"
    ):
        JasmineModel.from_pretrained(folder)


def test_adapter_of_another_model_is_refused(folder):
    file = folder / "adapter" / "config.json"
    config = json.loads(file.read_text()) | {"beside": 8}
    file.write_text(json.dumps(config))
    with pytest.raises(CheckpointError, match=r"does not fit its config\.json"):
        JasmineModel.from_pretrained(folder)


def test_unknown_depth_code_is_refused_in_one_line(folder):
    file = folder / "jasmine.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"ssi_space": "sqrt_depth"}))
    with pytest.raises(
        CheckpointError, match="ssi_space 'sqrt_depth' is not supported by this version"
    ) as caught:
        JasmineModel.from_pretrained(folder)
    assert "\n" not in str(caught.value)


def test_invalid_adapter_configs_are_refused():
    with pytest.raises(ConfigError, match="as many levels"):
        AdapterConfig(residuals=(8, 8), levels=(1,))
    with pytest.raises(ConfigError, match="levels from 0 to 3"):
        AdapterConfig(residuals=(8,), levels=(4,))
