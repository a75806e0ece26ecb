# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""TensorRT backend without a GPU; docs/gpu-checklist.md lists the checks that need one."""

from __future__ import annotations

import ast
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from helpers.engine_graphs import rtx_library, write_export, write_graph
from helpers.host_engine import HostCuda, host_tensorrt
from helpers.log_lines import log_lines

from jasmine_core import doctor_gpu
from jasmine_core.artifacts.checkpoint import Checkpoint
from jasmine_core.cache_folder import cache_folder
from jasmine_core.engines import build as build_module
from jasmine_core.engines import cuda
from jasmine_core.engines import prepare as prepare_engines
from jasmine_core.engines import stage as engine_stage
from jasmine_core.engines import validated_set as engine_set
from jasmine_core.engines.build import build_engines, validate_engines
from jasmine_core.engines.builder import (
    TENSORRT,
    Built,
    Library,
    build_engine,
)
from jasmine_core.engines.gpu import Gpu, find_gpu
from jasmine_core.engines.precision_fallback import LEVELS
from jasmine_core.engines.stage import EngineStage
from jasmine_core.errors import ConfigError, EngineError, FrameError
from jasmine_core.runtime import backend_tensorrt
from jasmine_core.runtime.backend import choose_backend, load_backend
from jasmine_core.runtime.backend_tensorrt import TensorRTBackend, guard

without_gpu = pytest.mark.skipif(find_gpu() is not None, reason="there is a GPU")
rtx = pytest.mark.rtx


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("JASMINE_CACHE", str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def library():
    return rtx_library()


@without_gpu
def test_error_without_a_gpu_names_another_backend(tmp_path):
    pytest.importorskip("onnx")
    exports = write_export(tmp_path / "128x64-fp16", "fp16")
    with pytest.raises(EngineError, match=r"need an NVIDIA GPU.*--backend onnxruntime") as error:
        load_backend(Checkpoint.resolve(exports), "tensorrt", "auto", "auto")
    assert "\n" not in str(error.value)


def test_unsupported_device_and_precision_are_refused(tmp_path):
    with pytest.raises(ConfigError, match="'cpu': engines run on the first visible GPU"):
        load_backend(Checkpoint.resolve("random:tiny"), "tensorrt", "cpu", "auto")
    with pytest.raises(ConfigError, match="'bf16': engines can be built in fp16 or fp32"):
        load_backend(Checkpoint.resolve("random:tiny"), "tensorrt", "auto", "bf16")


@rtx
@pytest.mark.parametrize("kept", [300, 4000])
def test_truncated_engine_is_refused_by_tensorrt(tmp_path, library, kept):
    graph = write_graph(tmp_path / "graph.onnx")
    plan = bytes(build_engine(library, graph, "8.9").plan)
    with pytest.raises(EngineError, match=r"cannot load the engine: .*blobSize") as error:
        EngineStage(library, None, plan[:kept], None, {})
    assert "\n" not in str(error.value)


@rtx
@without_gpu
def test_engine_on_a_machine_without_a_gpu_is_refused(tmp_path, library):
    plan = bytes(build_engine(library, write_graph(tmp_path / "graph.onnx"), "8.9").plan)
    with pytest.raises(EngineError, match=r"cannot load the engine: .*CUDA driver"):
        EngineStage(library, None, plan, None, {})


@rtx
def test_engines_built_for_another_machine_are_not_validated(library, exports):
    weights = Checkpoint.resolve(exports)
    with log_lines() as lines:
        folders = build_engines(weights, None, "auto", "8.6")
        again = build_engines(weights, None, "auto", "8.6")
    assert [folder.name.split("-sm86-")[0] for folder in folders] == [
        f"{stage}-128x64-fp16" for stage in ("encoder", "unet", "decoder")
    ]
    assert all((folder / "engine.plan").stat().st_size > 1000 for folder in folders)
    assert not (cache_folder() / "validated").exists()
    assert again == folders
    assert sum(" built in " in line for line in lines) == 3


@without_gpu
def test_build_without_gpu_and_capability_is_refused(exports):
    with pytest.raises(EngineError, match=r"no NVIDIA GPU.*--compute-capability"):
        build_engines(Checkpoint.resolve(exports), None, "auto", None)


def test_cuda_errors_contain_their_description():
    runtime = pytest.importorskip("cuda.bindings.runtime", exc_type=ImportError)
    with pytest.raises(EngineError, match="a CUDA call failed: out of memory"):
        cuda.check(runtime, (runtime.cudaError_t.cudaErrorMemoryAllocation, None))
    assert cuda.check(runtime, (runtime.cudaError_t.cudaSuccess, 7)) == 7
    if find_gpu() is None:
        with pytest.raises(EngineError, match=r"a CUDA call failed: .*driver"):
            cuda.Stream(runtime)


# ------------------------------------------------------- with a simulated GPU

ADA = Gpu("NVIDIA GeForce RTX 4090", "8.9", 24 << 30, "13.0")


@pytest.fixture
def host(monkeypatch):
    """Simulate an Ada GPU by functions that run on the CPU; see `host_engine`."""
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    simulated = HostCuda(pytest.importorskip("cuda.bindings.runtime", exc_type=ImportError))
    library = Library(TENSORRT, "11.4.0", host_tensorrt(simulated))

    def build(library, graph, capability, timings):
        return Built(graph.read_bytes(), b"timings", 1.0)

    for module in (engine_set, build_module):
        monkeypatch.setattr(module, "find_gpu", lambda: ADA)
    for module in (engine_set, build_module, backend_tensorrt):
        monkeypatch.setattr(module, "find_library", lambda *names: library)
    for module in (backend_tensorrt, engine_stage, doctor_gpu):
        monkeypatch.setattr(module, "load_cuda", lambda: simulated)
    monkeypatch.setattr(prepare_engines, "build_engine", build)
    return simulated


@pytest.fixture
def exports(tmp_path):
    for level in LEVELS:
        write_export(tmp_path / "exports" / f"128x64-{level}", level, hot=["unet"])
    return tmp_path / "exports"


def images(count: int) -> list[np.ndarray]:
    return list(np.random.default_rng(3).random((count, 3, 64, 128), np.float32))


def test_engines_return_the_outputs_of_their_graphs(host, exports):
    backend = load_backend(Checkpoint.resolve(exports), "tensorrt", "auto", "auto")
    graphs = load_backend(Checkpoint.resolve(exports), "onnxruntime", "cpu", "fp32")
    assert (backend.info.name, backend.info.device) == ("tensorrt", ADA.name)
    assert backend.info.precision == "fp16, mixed"
    assert backend.info.sizes == ((128, 64),)
    for image in images(3):
        maps, expected = backend(image), graphs(image)
        assert maps.depths.shape == expected.depths.shape == (2, 64, 128)
        np.testing.assert_allclose(maps.depths, expected.depths, rtol=5e-3)
        np.testing.assert_allclose(maps.ssi, expected.ssi, rtol=5e-3)
        assert list(maps.seconds) == ["upload", "encode", "denoise", "decode", "download"]
    assert len(host.memory) == 5  # image, latent, v, ssi and depth are allocated once


def test_cuda_graph_returns_the_same_outputs(host, exports):
    found = validate_engines(Checkpoint.resolve(exports), ADA, None, "auto")
    plain = TensorRTBackend([found], ADA)
    recorded = TensorRTBackend([found], ADA, cuda_graph=True)
    for i, image in enumerate(images(3), 1):
        assert np.array_equal(recorded(image).depths, plain(image).depths)
        assert host.launches == i


def test_auto_chooses_engines_once_they_are_validated(host, exports):
    assert choose_backend(Checkpoint.resolve(exports), "auto") != "tensorrt"
    validate_engines(Checkpoint.resolve(exports), ADA, None, "auto")
    assert choose_backend(Checkpoint.resolve(exports), "auto") == "tensorrt"
    assert choose_backend(Checkpoint.resolve(exports), "cpu") != "tensorrt"
    assert choose_backend(Checkpoint.resolve(exports), "auto", "fp32") != "tensorrt"


def test_damaged_engine_is_built_again_with_a_warning(host, exports, caplog):
    load_backend(Checkpoint.resolve(exports), "tensorrt", "auto", "auto")
    (plan,) = (cache_folder() / "engines").glob("decoder-*/engine.plan")
    damaged = bytearray(plan.read_bytes())
    damaged[100] ^= 255
    plan.write_bytes(damaged)

    caplog.clear()
    backend = load_backend(Checkpoint.resolve(exports), "tensorrt", "auto", "auto")
    assert np.isfinite(backend(images(1)[0]).depths).all()
    assert "is damaged" in caplog.messages[0]
    assert any("decoder: " in line and "building it" in line for line in caplog.messages)


def test_engine_that_tensorrt_refuses_is_built_again(host, exports, caplog):
    load_backend(Checkpoint.resolve(exports), "tensorrt", "auto", "auto")
    host.refusals = 2  # when it is loaded, and when it is validated again
    caplog.clear()
    backend = load_backend(Checkpoint.resolve(exports), "tensorrt", "auto", "auto")
    assert np.isfinite(backend(images(1)[0]).depths).all()
    assert [line for line in caplog.messages if "cannot load the engine" in line][1].endswith(
        "building all stages again"
    )


def test_overflow_at_run_time_affects_only_its_image(host, exports):
    backend = load_backend(Checkpoint.resolve(exports), "tensorrt", "auto", "auto")
    with pytest.raises(FrameError, match=r"output ssi of the engine is not finite in 1e\+02 %"):
        backend(np.full((3, 64, 128), 1e6, np.float32))  # beyond half precision
    assert np.isfinite(backend(images(1)[0]).depths).all()


def test_image_of_another_size_is_refused(host, exports):
    backend = load_backend(Checkpoint.resolve(exports), "tensorrt", "auto", "auto")
    with pytest.raises(FrameError, match="has 64x64 px, but the engines are built for 128x64 px"):
        backend(np.zeros((3, 64, 64), np.float32))


def test_engines_in_the_wrong_order_are_detected(host, exports):
    found = validate_engines(Checkpoint.resolve(exports), ADA, None, "auto")
    swapped = dict(found.engines, unet=found.engines["decoder"], decoder=found.engines["unet"])
    backend = TensorRTBackend([replace(found, engines=swapped)], ADA)
    with pytest.raises(FrameError, match="is not finite"):  # the decoder read v before it was set
        backend(images(1)[0])


def test_gpu_report_contains_all_measurements(host, exports, monkeypatch):
    monkeypatch.setattr(doctor_gpu, "RUNS", 4)
    report = doctor_gpu.examine_gpu(Checkpoint.resolve(exports), None)
    assert list(report["failed"]) == ["run torch"]  # a folder of exports has no weights
    assert report["gpu"]["name"] == ADA.name
    for precision in ("fp16", "fp32"):
        assert report[f"ready {precision}"] is True
        assert report[f"engines {precision}"]["accuracy"]["passed"] is True
        for way in ("", " as CUDA graph"):
            run = report[f"run {precision}{way}"]
            assert run["not_finite"] == 0
            assert run["milliseconds"]["total"]["p99"] > 0
            assert run["memory_mib"] > 0
    assert set(report["engines fp32"]["accuracy"]["precision"].values()) == {"fp32"}
    json.dumps(report)


def attributes(module, roots: set[str]) -> set[str]:
    """Return the attributes of the variables `roots` that are used in a module."""
    tree = ast.parse(Path(module.__file__).read_text())
    return {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) in roots
    }


def test_every_name_of_cuda_that_is_used_exists():
    runtime = pytest.importorskip("cuda.bindings.runtime", exc_type=ImportError)
    names = attributes(cuda, {"cuda", "self._cuda"})
    assert len(names) > 10
    assert [name for name in names if not hasattr(runtime, name)] == []
    assert runtime.cudaStreamCaptureMode.cudaStreamCaptureModeThreadLocal is not None
    assert runtime.cudaMemcpyKind.cudaMemcpyHostToDevice != (
        runtime.cudaMemcpyKind.cudaMemcpyDeviceToHost
    )


@rtx
def test_every_name_of_tensorrt_that_stages_use_exists(library):
    trt = library.module
    for variable, kind in (
        ("self._engine", trt.ICudaEngine),
        ("self._context", trt.IExecutionContext),
        ("self._runtime", trt.Runtime),
    ):
        names = attributes(engine_stage, {variable})
        assert names
        assert [name for name in names if not hasattr(kind, name)] == []


def test_outputs_that_are_not_finite_are_refused():
    good = np.ones((1, 2, 4, 5), np.float32)
    guard({"ssi": good, "depth": good})
    for bad in (np.nan, np.inf, -np.inf):
        hole = good.copy()
        hole[0, 1, 2, 3] = bad
        with pytest.raises(FrameError, match=r"output depth of the engine is not finite in 2\.5 %"):
            guard({"ssi": good, "depth": hole})
