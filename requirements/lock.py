# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Renewal of the lock files in this folder with uv; `make lock` runs it.

Each file pins the packages of one environment with the hashes of all their files, for every
supported Python and platform. Versions of the existing files are kept where they still fit.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

HERE = Path(__file__).parent
ROOT = HERE.parent
# The CUDA build of torch and the packages that only this build needs.
CUDA = re.compile(r"torch|triton|(nvidia|cuda)-.*")
# The files, in the order of their installation: the extra of setup.py and the constraints. A file
# does not repeat the packages of dev.txt.
LAYERS = {
    "dev": ("dev", "constraints.txt"),
    "rtx": ("rtx", "constraints.txt"),
    "docs": ("docs", "constraints.txt"),
    "fleet": ("fleet", "constraints.txt"),
    "viz": ("viz", "constraints.txt"),
    "jazzy": ("ros", "constraints-jazzy.txt"),
    "kilted": ("ros-kilted", "constraints-kilted.txt"),
}
HEADER = """\
# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
#
# {about}
# `make lock` writes this file; do not edit it.
"""

Pins = dict[str, str]  # lines of a requirement with its hashes, by "name==version ; marker"


def read(file: Path) -> Pins:
    """Return the pins of a lock file, none if it does not exist."""
    pins, line = {}, ""
    for part in file.read_text().splitlines() if file.exists() else ():
        if part.lstrip().startswith("#") or not part.strip():
            continue
        line += part + "\n"
        if not part.endswith("\\"):
            pins[line.partition("\\")[0].strip()] = line
            line = ""
    return pins


def name_of(pin: str) -> str:
    """Return the name of the package of a pin."""
    return pin.partition("==")[0]


def compile_pins(source: list[str], constraints: list[Path], known: Pins, text: str = "") -> Pins:
    """Return the pins of a source, or of the `text` if it is "-"; `known` ones are preferred."""
    with TemporaryDirectory() as folder:
        out = Path(folder) / "lock.txt"
        out.write_text("".join(known.values()))
        command = [sys.executable, "-m", "uv", "pip", "compile", *source, "--quiet"]
        command += ["--universal", "--python-version", "3.10", "--generate-hashes"]
        command += ["--no-header", "--no-annotate", "-o", str(out)]
        for file in constraints:
            command += ["-c", str(file)]
        subprocess.run(command, cwd=ROOT, check=True, input=text, text=True)
        return read(out)


def cpu_build(version: str, earlier: Pins) -> Pins:
    """Return the pin of the CPU build of torch, which package indices offer under another version.

    Hashes of earlier runs are kept, because an index may have the build for some Pythons only.
    """
    pin = f"torch=={version}+cpu"
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--no-deps"]
    command += ["--ignore-installed", "--report", "-", pin]
    done = subprocess.run(command, capture_output=True, text=True)
    hashes = set(re.findall(r"sha256:\w{64}", earlier.get(pin, "")))
    if done.returncode == 0:
        (found,) = json.loads(done.stdout)["install"]
        hashes.add("sha256:" + found["download_info"]["archive_info"]["hashes"]["sha256"])
    if not hashes:
        raise SystemExit(f"the package index has no {pin}; add one with --extra-index-url")
    return {pin: " \\\n    --hash=".join([pin, *sorted(hashes)]) + "\n"}


def write(name: str, about: str, pins: Pins) -> None:
    """Write a lock file."""
    (HERE / f"{name}.txt").write_text(HEADER.format(about=about) + "".join(pins.values()))


def main() -> None:
    """Renew all lock files."""
    uv = compile_pins(["-"], [], read(HERE / "uv.txt"), "uv")
    write("uv", "Program that writes these files.", uv)
    cuda = read(HERE / "cuda.txt")
    base: Pins = {}
    for name, (extra, constraints) in LAYERS.items():
        files = [ROOT / constraints, *([HERE / "dev.txt"] if base else [])]
        known = read(HERE / "dev.txt") | cuda | read(HERE / f"{name}.txt")
        pins = compile_pins(["setup.py", "--extra", extra], files, known)
        about = f"Packages of the extra {extra}, without those of "
        if name == "dev":
            cuda = {pin: lines for pin, lines in pins.items() if CUDA.fullmatch(name_of(pin))}
            pins = base = {pin: lines for pin, lines in pins.items() if pin not in cuda}
            write("cuda", "The CUDA build of torch, with the packages that it needs.", cuda)
            torch = next(pin for pin in cuda if name_of(pin) == "torch")
            cpu = cpu_build(torch.partition("==")[2].split()[0], read(HERE / "cpu.txt"))
            write("cpu", "The CPU build of torch.", cpu)
            about += "cpu.txt and cuda.txt."
        else:
            names = {name_of(pin) for pin in base}
            pins = {pin: lines for pin, lines in pins.items() if name_of(pin) not in names}
            about += "dev.txt."
        write(name, about, pins)


if __name__ == "__main__":
    main()
