# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Files and folders by path, on the disk or in an object store.

A URL is held as a `Path`, whose first part is the scheme: `Path("s3://bucket/key")` is `s3:/bucket/
key`, and its name, suffix, parent and `/` work as usual. The functions of this module take the
paths of both kinds; those of `pathlib` that look at the disk must not be used for URLs.
"""

from __future__ import annotations

import errno
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

from jasmine_core.files import expect_regular
from jasmine_core.store.errors import StoreError, explained, missing_package

SCHEMES = ("s3", "gs", "gcs", "file", "memory")
_BLOCK = 4 << 20  # [bytes] of a request for a part of a streamed file
_BLOCKS = 6  # of a streamed file in memory; the next one is read ahead
_URL = re.compile(rf"\b({'|'.join(SCHEMES)}):/(?=[^/\s])")


@dataclass(frozen=True)
class Entry:
    """File or object, with what tells its versions apart."""

    path: Path
    size: int  # [bytes]
    version: str = ""  # hash of the content or time of the change; "" on the disk


def is_remote(path: Path) -> bool:
    """Return whether a path is the URL of an object store."""
    first = path.parts[0] if path.parts else ""
    return first[-1:] == ":" and first[:-1] in SCHEMES


def url_of(path: Path) -> str:
    """Return a path as users write it: `s3://bucket/key` for a URL."""
    if not is_remote(path):
        return str(path)
    scheme, *rest = path.parts
    slashes = "///" if scheme == "file:" else "//"
    return scheme + slashes + "/".join(rest)


def with_urls(text: str) -> str:
    """Return a text in which the URLs of paths have both of their slashes."""
    return _URL.sub(lambda found: f"{found[1]}://" + "/" * (found[1] == "file"), text)


def filesystem(path: Path) -> tuple[Any, str]:
    """Return the file system of fsspec of a URL, and the name in it.

    It is looked up each time: connections do not survive a fork.

    Raises:
        StoreError: a package is missing, or the store cannot be used.
    """
    url = url_of(path)
    try:
        from fsspec.core import url_to_fs

        with explained(url):
            fs, name = url_to_fs(url, **_options(path))
    except ImportError as err:
        raise missing_package(url, err) from err
    return fs, name


def _options(path: Path) -> dict[str, Any]:
    options: dict[str, Any] = {"use_listings_cache": False}  # Other machines write as well.
    if path.parts[0] == "s3:":
        # A store that cannot be reached shall be reported within a minute.
        options["config_kwargs"] = {"retries": {"max_attempts": 3, "mode": "standard"}}
    if path.parts[0] == "file:":
        return {}
    return options


def exists(path: Path) -> bool:
    """Return whether there is a file, an object, or a folder with at least one."""
    if not is_remote(path):
        return path.exists()
    fs, name = filesystem(path)
    with explained(url_of(path)):
        return bool(fs.exists(name))


def is_file(path: Path) -> bool:
    """Return whether there is a file or an object."""
    if not is_remote(path):
        return path.is_file()
    try:
        entry(path)
    except FileNotFoundError:
        return False
    return True


def is_folder(path: Path) -> bool:
    """Return whether there is a folder, in a store one with at least one object."""
    if not is_remote(path):
        return path.is_dir()
    fs, name = filesystem(path)
    with explained(url_of(path)):
        return bool(fs.isdir(name))


def entry(path: Path) -> Entry:
    """Return the size and the version of a file.

    Raises:
        FileNotFoundError: there is none, or it is a folder.
    """
    if not is_remote(path):
        return Entry(path, path.stat().st_size)
    fs, name = filesystem(path)
    with explained(url_of(path)):
        found = fs.info(name)
        if found["type"] != "file":
            raise FileNotFoundError
    return Entry(path, int(found["size"] or 0), _version(found))


def files_below(folder: Path) -> list[Entry]:
    """Return the files at any depth below a folder, sorted by path; none if it does not exist.

    Names of objects with a part `..`, which would lead out of the folder, are left out.
    """
    if not is_remote(folder):
        found = [f for f in sorted(folder.rglob("*")) if f.is_file() and not f.is_symlink()]
        return [Entry(file, file.stat().st_size) for file in found]
    fs, name = filesystem(folder)
    try:
        with explained(url_of(folder)):
            listed = fs.find(name, detail=True)
    except FileNotFoundError:
        return []
    root = name.rstrip("/") + "/"
    return [
        Entry(folder / key[len(root) :], int(info["size"] or 0), _version(info))
        for key, info in sorted(listed.items())
        if key.startswith(root) and not key.endswith("/") and ".." not in key.split("/")
    ]


def names_in(folder: Path) -> list[str]:
    """Return the sorted names of the files and folders in a folder; none if it does not exist."""
    if not is_remote(folder):
        return sorted(p.name for p in folder.iterdir()) if folder.is_dir() else []
    fs, name = filesystem(folder)
    try:
        with explained(url_of(folder)):
            listed = fs.ls(name, detail=False)
    except (FileNotFoundError, NotADirectoryError):
        return []
    found = {key.rstrip("/").rpartition("/")[2] for key in listed if key.rstrip("/") != name}
    return sorted(found - {""})


def _version(info: dict[str, Any]) -> str:
    for key in ("ETag", "etag", "md5Hash", "generation", "LastModified", "mtime", "created"):
        if info.get(key):
            return str(info[key])
    return ""


def read_bytes(path: Path, start: int | None = None, stop: int | None = None) -> bytes:
    """Return the content of a file, or the bytes from `start` to before `stop`.

    Raises:
        FileNotFoundError: there is no such file.
        StoreError: the store cannot be used.
    """
    if is_remote(path):
        fs, name = filesystem(path)
        with explained(url_of(path)):
            return bytes(fs.cat_file(name, start=start, end=stop))
    if start is None and stop is None:
        return path.read_bytes()
    with path.open("rb") as file:
        file.seek(start or 0)
        return file.read(-1 if stop is None else stop - (start or 0))


def open_file(path: Path) -> BinaryIO:
    """Open a file for reading; that of a store is read in blocks, of which the next is read ahead.

    Reading fails with StoreError if the object changes or is deleted after it was opened.
    """
    if not is_remote(path):
        return path.open("rb")
    fs, name = filesystem(path)
    url = url_of(path)
    with explained(url):
        opened = fs.open(
            name,
            "rb",
            block_size=_BLOCK,
            cache_type="background",
            cache_options={"maxblocks": _BLOCKS},
        )
    return cast(BinaryIO, _Explained(opened, url))


class _Explained:
    """Open object whose errors are explained."""

    def __init__(self, opened: Any, url: str) -> None:
        self._opened, self._url = opened, url

    def seek(self, offset: int, whence: int = 0) -> int:
        return int(self._opened.seek(offset, whence))

    def tell(self) -> int:
        return int(self._opened.tell())

    def read(self, length: int = -1) -> bytes:
        try:
            with explained(self._url):
                return bytes(self._opened.read(length))
        except FileNotFoundError as err:
            raise StoreError(f"{self._url} was deleted while it was read") from err

    def close(self) -> None:
        self._opened.close()

    def __enter__(self) -> _Explained:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def read_limited(path: Path, most: int) -> bytes:
    """Return the content of a regular file; raise OSError for one above `most` bytes."""
    size = entry(path).size if is_remote(path) else expect_regular(path).st_size
    if size > most:
        raise OSError(errno.EFBIG, f"it has {size} bytes, {most} are read at most", url_of(path))
    return read_bytes(path)
