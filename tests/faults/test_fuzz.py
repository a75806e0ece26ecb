# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Short form of `make fuzz`, and the limits and the journal of the fuzz."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from faults.fuzz import main
from faults.fuzz.case import FINDING, REFUSED, RESULT, Verdict, prepare_process, run_case, save

from jasmine_core.errors import BagError
from jasmine_core.runtime import predictor

SEED, BAGS = 1, 200
TESTS = Path(__file__).parents[1]


@pytest.fixture
def here(monkeypatch):
    """Run cases in this process, with the settings that `prepare_process` changes restored."""
    monkeypatch.setattr(predictor, "load_backend", predictor.load_backend)
    monkeypatch.setenv("TQDM_DISABLE", "1")
    prepare_process()


def test_each_damaged_bag_ends_with_a_result_or_a_line(here, tmp_path):
    verdicts = [run_case(SEED, index, tmp_path / "case") for index in range(BAGS)]
    assert not [v for v in verdicts if v.end == FINDING], main.summary(verdicts)
    counts = Counter((v.command, v.end) for v in verdicts)
    for command in ("run", "prepare", "evaluate", "read"):
        assert counts[command, REFUSED] > 5, counts
    for command in ("run", "evaluate", "read"):
        assert counts[command, RESULT] > 3, counts


def test_a_case_depends_on_its_seed_and_index_only(here, tmp_path):
    first, other = (
        [run_case(SEED, i, tmp_path / "case") for i in order] for order in ((3, 9), (9, 3))
    )
    assert first == other[::-1]


@pytest.mark.parametrize(
    ("error", "end"),
    [(BagError("in.bag is damaged"), REFUSED), (BagError(""), FINDING), (KeyError(1), FINDING)],
)
def test_only_an_error_with_a_line_is_not_a_finding(here, tmp_path, monkeypatch, error, end):
    from faults.fuzz import case

    def fail(*_):
        raise error

    monkeypatch.setattr(case, "_COMMANDS", {"run": fail})
    assert run_case(SEED, 0, tmp_path / "case").end == end


def test_a_case_without_an_end_is_a_finding(tmp_path, monkeypatch):
    """A process that waits for a case stands for one whose case does not end."""
    worker = main._Worker(SEED, tmp_path)
    try:
        worker.index, worker.began, worker._before = 7, time.monotonic(), worker._cpu_seconds()
        assert worker.result() is None
        monkeypatch.setattr(main, "SECONDS", -1.0)
        verdict = worker.result()
        assert verdict.index == 7 and verdict.end == FINDING and "no end after" in verdict.text
    finally:
        worker.end()


def test_the_summary_names_the_findings():
    verdicts = [Verdict(4, "run", ["truncate"], FINDING, "Traceback\nKeyError: 1\n", 2.5)]
    verdicts += [Verdict(i, "run", [], RESULT) for i in range(3)]
    text = main.summary(verdicts)
    assert "4 cases, longest 2.5 s" in text
    assert "finding 4 run ['truncate']: KeyError: 1" in text


def test_an_interrupted_fuzz_continues_with_the_missing_cases(tmp_path):
    """The first run is interrupted after a case; the second one does not repeat that."""
    command = [sys.executable, "-m", "faults.fuzz.main", "--seed", str(SEED), "--count", "6"]
    command += ["--processes", "1", "--output", str(tmp_path)]
    paths = os.pathsep.join((str(TESTS), str(TESTS.parent)))
    environment = os.environ | {"PYTHONPATH": paths}
    journal = tmp_path / f"verdicts-{SEED}.jsonl"
    journal.write_text(save(Verdict(2, "run", [], RESULT)) + '\n{"index": 3, "comm')
    first = subprocess.Popen(command, env=environment)
    while len(main.read_journal(journal)) < 2:
        assert first.poll() is None
        time.sleep(0.05)
    first.send_signal(signal.SIGINT)
    assert first.wait(100) == main.INTERRUPTED
    done = main.read_journal(journal)
    assert subprocess.run(command, env=environment, check=False, timeout=300).returncode == 0
    again = main.read_journal(journal)
    assert sorted(again) == list(range(6)) and all(again[i] == done[i] for i in done)
    lines = [json.loads(line)["index"] for line in journal.read_text().splitlines()]
    assert sorted(lines) == list(range(6))
