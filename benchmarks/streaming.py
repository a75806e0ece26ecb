# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Reading of training images from folders, shards and S3, compared with webdataset and LitData.

    .venv/bin/pip install webdataset litdata      # optional; without them they are left out
    .venv/bin/python benchmarks/streaming.py
    .venv/bin/python benchmarks/streaming.py --training      # training steps, S3 against local

A server of S3 (moto) runs on this machine, in a process of its own, so that it uses the same cores.
Each reader runs in a new process, in random order of the images (webdataset: its shuffle buffer),
and decodes all images with OpenCV. The readers take turns, so that other programs affect all.
The processor time is that of the reader without the server. Only the ratios can be transferred to
other machines.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter, sleep
from typing import Any

import cv2
import numpy as np
import tyro

from jasmine_core.child import python_command
from jasmine_core.dataset.pack import pack
from jasmine_core.dataset.sequence import VERSION, FrameRecord, Index, SampleRecord, write_index
from jasmine_core.dataset.sequences import open_sequences
from jasmine_core.store.paths import filesystem

READERS = (
    "folder", "shards", "shards_s3", "folder_s3", "webdataset", "webdataset_s3", "litdata",
    "litdata_s3",
)  # fmt: skip
BATCH = 16
STATIONARY = [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0]  # x y z [m], quaternion


@dataclass(frozen=True)
class Options:
    """Options of the benchmark."""

    images: int = 1600  # Number of images of 640x192 px.
    workers: int = 1  # Processes that read.
    rounds: int = 3  # Turns of each reader.
    training: bool = False  # Measure the training of a small disparity net instead.
    steps: int = 20  # Steps of a training in each turn.
    reader: str = ""  # One reader, in this process; the benchmark starts itself with it.
    data: str = ""  # Folder of the data, with --reader.


def main(options: Options) -> None:
    """Write the data, start the server, and measure all readers in turn."""
    if options.reader:
        print(json.dumps(read(options)))
        return
    with TemporaryDirectory(prefix="jasmine-bench-") as place, s3_server() as environment:
        os.environ |= environment | {"JASMINE_CACHE": f"{place}/cache"}
        write_data(Path(place), options.images)
        if options.training:
            compare_trainings(Path(place), options)
            return
        found: dict[str, list[dict[str, float]]] = {}
        for _ in range(options.rounds):
            for reader in READERS:
                if (result := measure(replace(options, reader=reader, data=place))) is not None:
                    found.setdefault(reader, []).append(result)
    table(found)


def measure(options: Options) -> dict[str, float] | None:
    """Run one reader in a new process; None if its package is missing."""
    arguments = [f"--{n}={getattr(options, n)}" for n in ("images", "workers", "reader", "data")]
    code = f"import runpy; runpy.run_path({__file__!r}, run_name='__main__')"
    done = subprocess.run(python_command(code, *arguments), capture_output=True, text=True)
    if done.returncode:
        print(f"{options.reader}: {done.stderr.strip().splitlines()[-1]}", file=sys.stderr)
        return None
    return dict(json.loads(done.stdout.strip().splitlines()[-1]))


def table(found: dict[str, list[dict[str, float]]]) -> None:
    """Print the medians of the readers."""
    print("| reader | images/s | share of folder | processor time [ms/image] | start-up [s] | "
          "memory [MB] |")  # fmt: skip
    print("|---|---|---|---|---|---|")
    base = [r["images_per_second"] for r in found["folder"]]
    for reader, results in found.items():
        rate, processor, start, memory = (
            median(r[name] for r in results)
            for name in ("images_per_second", "processor_ms", "start", "memory")
        )
        share = median(r["images_per_second"] / b for r, b in zip(results, base, strict=False))
        print(
            f"| {reader} | {rate:.0f} | {share:.2f} | {processor:.1f} | {start:.1f} | "
            f"{memory:.0f} |"
        )


# ---------------------------------------------------------------------- the readers


def read(options: Options) -> dict[str, float]:
    """Read all images with one reader; return its figures."""
    cv2.setNumThreads(1)
    began = perf_counter()
    loader = make_loader(options)
    before = used = processor_of_readers()
    batches = iter(loader)
    count = len(next(batches))
    start = perf_counter() - began
    began, counted, memory = perf_counter(), 0, 0.0
    for batch in batches:
        counted += len(batch)
        used = processor_of_readers()
        if counted // BATCH % 20 == 0:
            memory = max(memory, resident())
    seconds = perf_counter() - began
    if count + counted != options.images:
        raise SystemExit(f"{options.reader} read {count + counted} of {options.images} images")
    return {
        "images_per_second": counted / seconds,
        "processor_ms": 1000 * (used - before) / options.images,
        "start": start,
        "memory": memory,
    }


def make_loader(options: Options) -> Any:
    """Return the batches of decoded images of a reader."""
    from torch.utils.data import DataLoader

    name, _, store = options.reader.partition("_")
    root = Path("s3://data") if store else Path(options.data)
    settings: dict[str, Any] = {"num_workers": options.workers, "collate_fn": list}
    if options.workers:
        settings["prefetch_factor"] = 4
    if name == "webdataset":
        import webdataset

        shards = sorted(f.name for f in Path(options.data, "packed").glob("*.tar"))
        url = f"{os.environ['AWS_ENDPOINT_URL']}/data" if store else options.data
        data = webdataset.WebDataset(
            [f"{url}/packed/{shard}" for shard in shards], shardshuffle=True, empty_check=False
        )
        decoded = data.shuffle(200).to_tuple("image.jpg").map(lambda sample: decode(sample[0]))
        return DataLoader(decoded, batch_size=BATCH, **settings)
    order = list(range(options.images))
    random.Random(1).shuffle(order)
    if name == "litdata":
        from litdata import StreamingRawDataset
        from litdata.streaming import downloader

        # LitData has no option for a store without TLS, as moto is.
        downloader._OBSTORE_CLIENT_OPTIONS["allow_http"] = True
        client = {"endpoint_url": os.environ["AWS_ENDPOINT_URL"]} if store else {}
        folder = f"s3://data/{FOLDER}" if store else f"{options.data}/{FOLDER}"
        raw = StreamingRawDataset(
            folder,
            cache_dir=f"{options.data}/litdata-{os.getpid()}",
            transform=decode_image,
            storage_options=client,
        )
        images = [i for i, f in enumerate(raw.items) if str(f.path).endswith(".jpg")]
        return DataLoader(raw, sampler=[images[i] for i in order], batch_size=BATCH, **settings)
    own = Own(open_sequences(root / ("packed" if name == "shards" else FOLDER)))
    return DataLoader(own, sampler=order, batch_size=BATCH, **settings)


FOLDER = "sequences"


class Own:
    """Images of sequences, read as the training feed reads them."""

    def __init__(self, sequences: list[Any]) -> None:
        self.files = [s.files[frame.image] for s in sequences for frame in s.index.frames]

    def __len__(self) -> int:
        return len(self.files)

    def __getitems__(self, numbers: list[int]) -> list[Any]:
        """Return the images of some numbers."""
        from jasmine_core.dataset.sequence import read_image
        from jasmine_core.store.members import fetch

        files = [self.files[i] for i in numbers]
        data = fetch(files)
        return [read_image(file, data.get(file)) for file in files]


def decode(data: bytes) -> Any:
    """Decode an image as RGB."""
    return cv2.cvtColor(cv2.imdecode(np.frombuffer(data, np.uint8), 1), cv2.COLOR_BGR2RGB)


def decode_image(data: Any, *_: Any) -> Any:
    """Decode an item of LitData."""
    return decode(data if isinstance(data, bytes) else Path(data).read_bytes())


def children() -> list[int]:
    """Return the numbers of the processes that this one has started."""
    listed = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text()
    return [int(number) for number in listed.split()]


def processor_of_readers() -> float:
    """Return the processor time of this process and its running children [s]."""
    own = os.times()
    return own.user + own.system + sum(processor_of(child) for child in children())


def resident() -> float:
    """Return the proportional memory of this process and its children [MB]."""
    total = 0
    for process in (os.getpid(), *children()):
        try:
            lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
        except OSError:  # It ended.
            continue
        total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total / 1000


# ---------------------------------------------------------------------- training


def compare_trainings(place: Path, options: Options) -> None:
    """Train from the folder and from shards in S3 in turn; print the ratio of images/s."""
    from jasmine_core.train.recipe import DataConfig, Phase, Recipe
    from jasmine_core.train.trainer import train

    rates: dict[str, list[float]] = {}
    costs: dict[str, list[float]] = {}  # [s] of processor time for an image, without the server
    served: dict[str, list[float]] = {}  # [s] of processor time of the server for an image
    places = {"local": str(place / FOLDER), "s3": "s3://data/packed"}
    server = int(os.environ["BENCH_SERVER"])
    for turn in range(options.rounds):
        for name, data in places.items():
            recipe = Recipe(
                learner="disparity",
                start="small",
                phases=(Phase(options.steps, ("disparity", "posenet")),),
                log_every=1,
                save_every=10**6,
                validate_every=10**6,
                image_every=10**6,
                data=DataConfig(
                    (data,), width=320, height=96, held_out=0.0, workers=options.workers
                ),
            )
            output = place / f"run-{name}-{turn}"
            before = sum(os.times()[:4]), processor_of(server)
            train(recipe, output)
            after = sum(os.times()[:4]), processor_of(server)
            for found, a, b in zip((costs, served), before, after, strict=True):
                found.setdefault(name, []).append((b - a) / (options.steps * recipe.batch_size))
            lines = [json.loads(line) for line in (output / "log.jsonl").read_text().splitlines()]
            steps = [line for line in lines if "images_per_second" in line][3:]
            rates.setdefault(name, []).append(median(s["images_per_second"] for s in steps))
            waits = median(s["data_wait"] for s in steps)
            rate = rates[name][-1]
            print(
                f"{name}: {rate:.3f} images/s, {waits:.2%} of the time waiting, "
                f"{costs[name][-1]:.4f} s of processor time for an image, "
                f"{served[name][-1]:.4f} s of the server",
                flush=True,
            )
    both = {name: np.add(costs[name], served[name]).tolist() for name in places}
    for what, over, under in (
        ("images/s from S3 / local", rates["s3"], rates["local"]),
        ("processor time of an image, local / S3", costs["local"], costs["s3"]),
        ("the same with the server", both["local"], both["s3"]),
    ):
        ratios = [a / b for a, b in zip(over, under, strict=True)]
        print(f"{what}: median {median(ratios):.3f} of {', '.join(f'{r:.3f}' for r in ratios)}")


def processor_of(process: int) -> float:
    """Return the processor time of a process [s]; 0 if it has ended."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


# ---------------------------------------------------------------------- data and server


def write_data(place: Path, count: int) -> None:
    """Write sequences of JPEG images of 640x192 px, pack them, and copy both into the store."""
    rng = np.random.default_rng(0)
    each = 100
    for first in range(0, count, each):
        folder = place / FOLDER / f"sequence_{first:06d}"
        (folder / "images").mkdir(parents=True)
        frames = []
        for i in range(first, min(first + each, count)):
            coarse = rng.integers(0, 256, (12, 40, 3), np.uint8)
            image = cv2.resize(coarse, (640, 192), interpolation=cv2.INTER_CUBIC)
            noise = rng.integers(-8, 8, image.shape, np.int16)
            image = np.clip(image + noise, 0, 255).astype(np.uint8)
            name = f"images/{10**18 + i * 10**8:019d}.jpg"
            data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 95])[1]
            (folder / name).write_bytes(data.tobytes())
            frames.append(FrameRecord(10**18 + i * 10**8, 0, name))
        samples = [
            SampleRecord(i, (i - 1, i + 1), (0.05, 0.05), (0.05, 0.05), (STATIONARY, STATIONARY))
            for i in range(1, len(frames) - 1)
        ]
        K = [[400.0, 0.0, 320.0], [0.0, 400.0, 96.0], [0.0, 0.0, 1.0]]
        write_index(Index(VERSION, {}, {}, 640, 192, K, True, frames, samples), folder)
    pack(open_sequences(place / FOLDER), place / "packed", 32 * 10**6)
    fs, _ = filesystem(Path("s3://data"))
    fs.mkdir("data")
    for folder in (FOLDER, "packed"):
        fs.put(str(place / folder), f"data/{folder}", recursive=True, ACL="public-read")


@contextmanager
def s3_server() -> Iterator[dict[str, str]]:
    """Run a server of S3 in another process; yield the environment of its clients."""
    code = (
        "import logging, time\n"
        "from moto.server import ThreadedMotoServer\n"
        "logging.getLogger('werkzeug').setLevel(logging.ERROR)\n"
        "server = ThreadedMotoServer('127.0.0.1', port=0, verbose=False)\n"
        "server.start()\n"
        "print(*server.get_host_and_port(), flush=True)\n"
        "time.sleep(1e6)\n"
    )
    server = subprocess.Popen(python_command(code), stdout=subprocess.PIPE, text=True)
    try:
        line = server.stdout.readline() if server.stdout else ""
        if len(line.split()) != 2:
            raise SystemExit("the server needs moto[s3], flask and flask-cors")
        host, port = line.split()
        yield {
            "BENCH_SERVER": str(server.pid),
            "AWS_ENDPOINT_URL": f"http://{host}:{port}",
            "AWS_ACCESS_KEY_ID": "key",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_DEFAULT_REGION": "us-east-1",
        }
    finally:
        server.kill()
        server.wait()
        sleep(0.1)


if __name__ == "__main__":
    main(tyro.cli(Options, description=__doc__))
