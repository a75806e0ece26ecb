# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Cache of engines: damaged or incomplete engines are rebuilt, with a warning of one line."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from helpers.log_lines import log_lines

from jasmine_core.cache_folder import cache_folder
from jasmine_core.engines.cache import ANY_GPU, PLAN, RECORD, EngineCache, EngineKey, read_plan
from jasmine_core.errors import EngineError

KEY = EngineKey("unet", "0" * 64, "128x64", "fp16", "tensorrt", "10.3.0", "Orin", "8.7")
CONTENT = bytes(range(256)) * 64


class Builder:
    """Builder that counts its builds and stores the logged messages."""

    def __init__(self, content: bytes = CONTENT) -> None:
        self.content, self.builds, self.lines = content, 0, []

    def __call__(self) -> tuple[bytes, float]:
        self.builds += 1
        return self.content, 1.5

    def obtain(self, cache: EngineCache, key: EngineKey = KEY) -> Path:
        with log_lines() as lines:
            folder = cache.obtain(key, self)
        self.lines += lines
        return folder


def test_engine_is_built_once_and_read_back(tmp_path):
    cache, builder = EngineCache(tmp_path), Builder()

    folder = builder.obtain(cache)
    assert builder.obtain(EngineCache(tmp_path)) == folder  # a new cache object, as in a new run

    record, plan = read_plan(folder)
    assert (builder.builds, plan, record.key, record.seconds) == (1, CONTENT, KEY, 1.5)
    assert builder.lines == ["unet: there is no engine yet; building it"]
    assert [r.key for _, r in cache.records()] == [KEY]


@pytest.mark.parametrize(
    ("part", "value", "reason"),
    [
        ("version", "10.7.0", "the engine in the cache is for tensorrt 10.3.0, not 10.7.0"),
        ("gpu", "RTX 4090", "the engine in the cache is for Orin, not RTX 4090"),
        ("capability", "8.9", "the engine in the cache is for compute capability 8.7, not 8.9"),
        ("graph", "1" * 64, "the engine in the cache is for another model"),
        ("size", "256x64", "there is no engine yet"),
        ("precision", "fp32", "there is no engine yet"),
    ],
)
def test_engine_with_another_key_is_built_beside_the_first(tmp_path, part, value, reason):
    cache, builder = EngineCache(tmp_path), Builder()
    builder.obtain(cache)
    other = replace(KEY, **{part: value})

    assert builder.obtain(cache, other) != cache.path(KEY)
    assert builder.lines[1:] == [f"unet: {reason}; building it"]
    assert builder.builds == 2
    assert cache.fault(KEY) is None


def test_warning_names_the_engine_that_differs_least(tmp_path):
    cache, builder = EngineCache(tmp_path), Builder()
    builder.obtain(cache, replace(KEY, gpu="RTX 4090", capability="8.9", version="11.4"))
    builder.obtain(cache, replace(KEY, version="10.7.0"))
    builder.obtain(cache)
    assert builder.lines[-1] == (
        "unet: the engine in the cache is for tensorrt 10.7.0, not 10.3.0; building it"
    )


def cut(folder: Path) -> None:
    os.truncate(folder / PLAN, 100)


def flip(folder: Path) -> None:
    with (folder / PLAN).open("r+b") as stream:
        stream.seek(5000)
        stream.write(b"\xff\xfe")


def drop_plan(folder: Path) -> None:
    (folder / PLAN).unlink()


def drop_record(folder: Path) -> None:
    (folder / RECORD).unlink()


def spoil_record(folder: Path) -> None:
    (folder / RECORD).write_text('{"key": ')


def swap_record(folder: Path) -> None:
    file = folder / RECORD
    file.write_text(file.read_text().replace("Orin", "Thor"))


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (cut, "is truncated: it has 100 of 16384 bytes"),
        (flip, "is damaged: its SHA-256 differs"),
        (drop_plan, "No such file"),
        (drop_record, "does not exist"),
        (spoil_record, "is not valid JSON"),
        (swap_record, "describes another engine"),
    ],
)
def test_damaged_engine_is_refused_and_built_again(tmp_path, damage, reason):
    cache, builder = EngineCache(tmp_path), Builder()
    folder = builder.obtain(cache)
    damage(folder)

    if damage is not swap_record:  # that engine is intact, but has another key
        with pytest.raises(EngineError, match=r"damaged|can be read"):
            read_plan(folder)

    assert builder.obtain(cache) == folder
    assert builder.builds == 2
    assert reason in builder.lines[1]
    assert "\n" not in builder.lines[1]
    assert read_plan(folder)[1] == CONTENT


def test_partial_folder_of_a_killed_build_is_ignored_and_removed(tmp_path):
    cache, builder = EngineCache(tmp_path), Builder()
    partial = cache.folder / f".{KEY.name}.partial-1"
    partial.mkdir(parents=True)
    (partial / PLAN).write_bytes(CONTENT[:10])
    (partial / RECORD).write_text("{}")

    assert list(cache.records()) == []
    builder.obtain(cache)
    assert builder.builds == 1
    assert not partial.exists()


def test_failed_build_leaves_the_cache_unchanged(tmp_path):
    cache = EngineCache(tmp_path)

    def fail() -> tuple[bytes, float]:
        raise EngineError("no kernel fits")

    with pytest.raises(EngineError, match="no kernel fits"):
        cache.obtain(KEY, fail)
    assert not cache.path(KEY).exists()
    assert Builder().obtain(cache).is_dir()  # the lock was released


TWO_BUILDERS = """
import logging, sys, time
from pathlib import Path
from test_cache import KEY, CONTENT, EngineCache

def build():
    with open(sys.argv[2], "a") as log:
        log.write("built\\n")
    time.sleep(1.0)
    return CONTENT, 1.0

print("ready", flush=True)
sys.stdin.readline()
logging.basicConfig(stream=sys.stdout, format="%(message)s")
folder = EngineCache(Path(sys.argv[1])).obtain(KEY, build)
print(folder)
"""


def python(script: str, *arguments: object, **options) -> subprocess.Popen[str]:
    path = os.pathsep.join([str(Path(__file__).parents[i]) for i in range(3)])
    return subprocess.Popen(
        [sys.executable, "-c", script, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": path},
        **options,
    )


def test_two_processes_build_one_engine_once(tmp_path):
    log = tmp_path / "log"
    processes = [python(TWO_BUILDERS, tmp_path, log) for _ in range(2)]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    printed = [process.communicate(timeout=30)[0].splitlines() for process in processes]

    assert log.read_text() == "built\n"
    folder = str(EngineCache(tmp_path).path(KEY))
    assert sorted(printed) == [
        ["unet: there is no engine yet; building it", folder],
        ["unet: waiting for another process that builds this engine", folder],
    ]


@pytest.fixture
def read_only_folder() -> Iterator[Path]:
    """Yield a folder that this process cannot write to, even if it is run by root."""
    with tempfile.TemporaryDirectory() as name:  # tmp_path is below a folder owned by root
        folder, user = Path(name), os.geteuid()
        folder.chmod(0o755)
        cache = EngineCache(folder)
        Builder().obtain(cache, replace(KEY, stage="encoder"))
        cache.folder.chmod(0o555)
        if user == 0:
            os.seteuid(65534)
        try:
            yield folder
        finally:
            os.seteuid(user)
            cache.folder.chmod(0o755)


def test_read_only_cache_fails_before_a_build_and_serves_stored_engines(read_only_folder):
    cache, builder = EngineCache(read_only_folder), Builder()

    with pytest.raises(EngineError) as error:
        builder.obtain(cache)
    assert str(error.value) == (
        f"{cache.folder} cannot be written: Permission denied; free disk space or change the "
        f"permissions of {read_only_folder}, or set JASMINE_CACHE to another folder"
    )
    assert builder.builds == 0

    stored = builder.obtain(cache, replace(KEY, stage="encoder"))
    assert read_plan(stored)[1] == CONTENT


FULL_DISK = """
import sys
from dataclasses import replace
from pathlib import Path
from test_cache import KEY, EngineCache, EngineError, Builder

cache = EngineCache(Path(sys.argv[1]))
small = Builder().obtain(cache)
try:
    Builder(bytes(4 << 20)).obtain(cache, replace(KEY, stage="decoder"))
except EngineError as err:
    print(err)
print(cache.fault(KEY), sorted(p.name for p in cache.folder.iterdir() if p.is_dir()) == [KEY.name])
"""


def test_full_disk_is_reported_and_leaves_no_partial_engine(tmp_path):
    mount = f'mount -t tmpfs -o size=1m none "{tmp_path}" && exec "$0" "$@"'
    if subprocess.run(["unshare", "-rm", "sh", "-c", mount, "true"], check=False).returncode:
        pytest.skip("a small disk cannot be mounted here (no user namespaces)")
    path = os.pathsep.join([str(Path(__file__).parents[i]) for i in range(3)])
    command = ["unshare", "-rm", "sh", "-c", mount, sys.executable, "-c", FULL_DISK, str(tmp_path)]
    done = subprocess.run(
        command, capture_output=True, text=True, env=os.environ | {"PYTHONPATH": path}, check=True
    )
    error, rest = done.stdout.splitlines()
    assert "cannot be written: No space left on device; free disk space" in error
    assert rest == "None True"


def test_timing_cache_is_kept_for_one_gpu_and_version(tmp_path):
    cache = EngineCache(tmp_path)
    cache.folder.mkdir()
    cache.write_timings(KEY, b"learnt")
    assert cache.read_timings(replace(KEY, stage="encoder")) == b"learnt"
    assert cache.read_timings(replace(KEY, version="10.7.0")) == b""
    assert cache.read_timings(replace(KEY, gpu=ANY_GPU)) == b""


def test_cache_folder_follows_the_environment_variables(monkeypatch, tmp_path):
    monkeypatch.setenv("JASMINE_CACHE", str(tmp_path))
    assert EngineCache().folder == tmp_path / "engines"
    monkeypatch.delenv("JASMINE_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder() == tmp_path / "xdg" / "jasmine"
