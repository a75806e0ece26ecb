# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""A real S3 server on the loopback interface, and what its client needs to find it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

MISSING = "moto[s3], flask, flask-cors and s3fs are not installed; pip install 'jasmine_ros[dev]'"


@contextmanager
def s3_server() -> Iterator[str]:
    """Run the server in a thread; yield its URL."""
    for package in ("moto", "flask", "flask_cors", "s3fs"):
        pytest.importorskip(package, reason=MISSING)
    import logging

    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    try:
        yield f"http://{host}:{port}"
    finally:
        server.stop()


def client_environment(url: str) -> dict[str, str]:
    """Return the environment variables with which S3 clients use a server."""
    return {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
    }


def forget_connections() -> None:
    """Let the next use of a store read the environment again."""
    import fsspec.registry  # noqa: F401

    kept = sys.modules["fsspec.registry"]._registry.pop("s3", None)
    if kept is not None:
        kept.clear_instance_cache()


def make_bucket(name: str) -> Path:
    """Make a bucket; return its URL as a path."""
    from jasmine_core.store.paths import filesystem

    bucket = Path(f"s3://{name}")
    fs, _ = filesystem(bucket)
    fs.mkdir(name)
    return bucket


def upload(folder: Path, target: Path) -> Path:
    """Copy a folder of the disk into a store; return its URL as a path."""
    from jasmine_core.store.paths import filesystem

    fs, name = filesystem(target)
    for file in sorted(folder.rglob("*")):
        if file.is_file():
            fs.pipe_file(f"{name}/{file.relative_to(folder).as_posix()}", file.read_bytes())
    return target


def contents(target: Path) -> dict[str, bytes]:
    """Return the content of each object below a folder of a store by its relative name."""
    from jasmine_core.store.paths import files_below, read_bytes

    return {
        file.path.relative_to(target).as_posix(): read_bytes(file.path)
        for file in files_below(target)
    }
