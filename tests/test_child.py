# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Child processes do not execute Python files of the working directory."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from multiprocessing import Pipe
from pathlib import Path

import pytest

import jasmine_core
from jasmine_core import child
from jasmine_core.engines.builder import Library, check_start
from jasmine_core.errors import EngineError

ROOT = Path(jasmine_core.__file__).parents[1]
NAMES = ("json", "onnx", "torch", "numpy", "cv2", "runpy", "pickle", "tensorrt", "sitecustomize")


@pytest.fixture
def hostile(tmp_path, monkeypatch) -> Path:
    """Return a file that exists once a Python file of the working directory was executed."""
    executed = tmp_path / "executed"
    folder = tmp_path / "downloaded"
    folder.mkdir()
    for name in NAMES:
        (folder / f"{name}.py").write_text(f"open({str(executed)!r}, 'a').write({name!r})\n")
    monkeypatch.chdir(folder)
    return executed


def run(code: str, *arguments: str) -> str:
    command = child.python_command(code, *arguments)
    return subprocess.run(
        command, env=child.environment(), capture_output=True, text=True, check=True, timeout=60
    ).stdout


@pytest.mark.parametrize("entry", ["", ".", "cwd"])
def test_child_imports_nothing_from_the_working_directory(hostile, monkeypatch, entry):
    monkeypatch.syspath_prepend(str(Path.cwd()) if entry == "cwd" else entry)
    imported = run("import json, pickle, numpy, jasmine_core; print(jasmine_core.__file__)")
    assert Path(imported.strip()).parents[1] == ROOT
    assert not hostile.exists()


@pytest.mark.parametrize("first", ["", ":/nowhere", "."])
def test_environment_of_the_user_does_not_bring_it_back(hostile, first):
    script = "from jasmine_core import child; child.isolate(); import json, onnx"
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.pop(0); {script}"],
        env=os.environ | {"PYTHONPATH": f"{ROOT}:{first}", "PYTHONSAFEPATH": ""},
        cwd=hostile.parent / "downloaded",
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0 or "No module named 'onnx'" in done.stderr
    assert not hostile.exists() or hostile.read_text() == "sitecustomize"  # by Python itself


def test_grandchildren_are_isolated(hostile):
    if sys.version_info < (3, 11):
        pytest.skip("PYTHONSAFEPATH exists since Python 3.11")
    code = "import subprocess; subprocess.run([sys.executable, '-c', 'import json'], check=True)"
    run(code)
    assert not hostile.exists()


def test_tensorrt_probe_is_isolated(hostile):
    library = Library("no_tensorrt_of_this_name", "10.3", None)
    (Path.cwd() / "no_tensorrt_of_this_name.py").write_text(f"open({str(hostile)!r}, 'w')")
    with pytest.raises(EngineError):
        check_start(library)
    assert not hostile.exists()


def test_package_of_the_working_directory_itself_is_kept(monkeypatch):
    monkeypatch.chdir(ROOT)
    monkeypatch.syspath_prepend(str(ROOT))
    assert str(ROOT) in child.safe_path()


def test_removed_working_directory_is_no_error(tmp_path, monkeypatch):
    folder = tmp_path / "gone"
    folder.mkdir()
    monkeypatch.chdir(folder)
    folder.rmdir()
    assert "" not in child.safe_path()


def test_arguments_arrive_unchanged():
    assert run("print(sys.argv[1:])", "a b", "--x") == "['a b', '--x']\n"


def test_worker_ignores_signals_and_answers(hostile):
    here, there = Pipe()
    code = (
        "from jasmine_core.child import open_pipe\n"
        "pipe = open_pipe(sys.argv[1])\npipe.send(pipe.recv() + 1)"
    )
    worker = child.start_worker(code, there)
    there.close()
    for number in child.SIGNALS:  # also before it has run any Python code
        worker.send_signal(number)
    time.sleep(0.2)
    here.send(1)
    assert here.recv() == 2
    assert worker.wait(timeout=30) == 0
    assert not hostile.exists()
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == set()


def test_workers_that_ignore_signals_do_not_keep_their_parent():
    script = """
import multiprocessing, time
from jasmine_core.child import ignore_signals, kill_workers_at_exit

def work():
    ignore_signals()
    ready.set()
    time.sleep(600)

ready = multiprocessing.get_context("fork").Event()
multiprocessing.get_context("fork").Process(target=work, daemon=True).start()
ready.wait()
kill_workers_at_exit()
"""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", script], env=environment, timeout=60)
    assert done.returncode == 0
