# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""GPU of this machine, queried from the NVIDIA driver without any package."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass

_DRIVER = "libcuda.so.1"
_MAJOR, _MINOR = 75, 76  # CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_{MAJOR,MINOR}


@dataclass(frozen=True)
class Gpu:
    """Name, compute capability, memory and CUDA version of a GPU."""

    name: str
    capability: str  # compute capability, such as "8.7"
    memory_bytes: int
    cuda: str  # newest CUDA version that the driver supports


def find_gpu() -> Gpu | None:
    """Return the first GPU visible under CUDA_VISIBLE_DEVICES, None if there is none."""
    try:
        driver = ctypes.CDLL(_DRIVER)
    except OSError:
        return None
    device, version, major, minor = (ctypes.c_int() for _ in range(4))
    memory, name = ctypes.c_size_t(), ctypes.create_string_buffer(256)
    failed = (
        driver.cuInit(0)
        or driver.cuDeviceGet(ctypes.byref(device), 0)
        or driver.cuDeviceGetName(name, len(name), device)
        or driver.cuDeviceGetAttribute(ctypes.byref(major), _MAJOR, device)
        or driver.cuDeviceGetAttribute(ctypes.byref(minor), _MINOR, device)
        or driver.cuDeviceTotalMem_v2(ctypes.byref(memory), device)
        or driver.cuDriverGetVersion(ctypes.byref(version))
    )
    if failed:
        return None
    return Gpu(
        name=name.value.decode(),
        capability=f"{major.value}.{minor.value}",
        memory_bytes=memory.value,
        cuda=f"{version.value // 1000}.{version.value % 1000 // 10}",
    )
