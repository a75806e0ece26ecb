# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Errors of object stores, in one line with a remedy.

Each implementation of fsspec has errors of its own. They are told apart by the names of their
classes and by the codes in their texts, so that no implementation has to be imported.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from jasmine_core.errors import JasmineError

EXTRA = "pip install 'jasmine_ros[fleet]'"
_REFUSED = (
    "nocredentials", "partialcredentials", "permissionerror", "accessdenied", "access denied",
    "invalidaccesskeyid", "signaturedoesnotmatch", "expiredtoken", "invalidtoken", "forbidden",
    "unauthorized", "refresherror", "defaultcredentialserror", "invalidclienttokenid",
)  # fmt: skip
_UNREACHABLE = (
    "endpointconnection", "connecttimeout", "readtimeout", "connectionclosed", "clientconnector",
    "clientoserror", "serverdisconnected", "connectionrefused", "connectionreset", "timeout",
    "gaierror", "brokenpipe", "connectionerror", "connect call failed", "cannot connect",
    "clientpayload", "incompleteread", "remote end closed",
)  # fmt: skip


class StoreError(JasmineError, OSError):
    """An object store cannot be reached, refuses access, or changed under the reader."""

    def __init__(self, text: str) -> None:
        super().__init__(errno.EIO, text)

    def __str__(self) -> str:
        return str(self.strerror)

    def __reduce__(self) -> tuple[type[StoreError], tuple[str]]:
        """Return how to unpickle it: processes of workers send their errors."""
        return type(self), (str(self),)


@contextmanager
def explained(url: str) -> Iterator[None]:
    """Turn the errors of a store inside the block into StoreError or FileNotFoundError."""
    try:
        yield
    except (JasmineError, ImportError):
        raise
    except Exception as err:
        if (found := _explanation(err, url)) is err:
            raise
        raise found from err


def _explanation(err: Exception, url: str) -> Exception:
    names = {kind.__name__.lower() for kind in type(err).__mro__}
    text = str(err).partition("\n")[0][:300] or type(err).__name__
    where = " ".join(names) + " " + text.lower()
    if isinstance(err, FileNotFoundError) or "nosuchbucket" in where or "nosuchkey" in where:
        return FileNotFoundError(errno.ENOENT, "there is no such object", url)
    if isinstance(err, OSError) and err.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS):
        return err  # of the local disk
    if "fileexpired" in names or "precondition" in where or "pre-conditions" in where:
        return changed(url)
    if any(word in where for word in _REFUSED):
        return StoreError(
            f"{url}: the store refuses access ({text}); check the credentials, for S3 "
            "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY or the profile in ~/.aws"
        )
    if any(word in where for word in _UNREACHABLE):
        return StoreError(
            f"{url}: the store cannot be reached ({text}); check the network, and for another "
            "store than Amazon's AWS_ENDPOINT_URL"
        )
    return StoreError(f"{url}: the store reports {type(err).__name__}: {text}")


def changed(url: str) -> StoreError:
    """Return the error for an object that is not the one that was opened."""
    return StoreError(f"{url} changed while it was read; repeat the command")


def missing_package(url: str, err: ImportError) -> StoreError:
    """Return the error for a scheme whose package is not installed."""
    if url.startswith(("gs:", "gcs:")):
        return StoreError(f"{url} needs the package gcsfs ({err}); {EXTRA} gcsfs")
    return StoreError(f"{url} needs fsspec and s3fs ({err}); {EXTRA}")
