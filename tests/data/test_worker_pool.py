"""Worker processes: what they return, how they fail, and that none outlives the one that asked; a job is a text."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from subprocess import PIPE, Popen

import psutil
import pytest

from autoglm_embodied.data.worker_pool import WorkerPool, WorkerTraceback
from autoglm_embodied.errors import ConfigError, SetupError

END_LIMIT_S = 60.0  # at once on an idle machine; what a worker does lasts longer
PROGRAM = """
from autoglm_embodied.data.worker_pool import WorkerPool
with WorkerPool(eval, 2) as pool:
    for _ in pool.as_completed({jobs!r}):
        print("first", flush=True)
"""
HOLDS_THE_INTERPRETER = "__import__('ctypes').PyDLL(None).sleep(600)"


def waits_for(path: Path) -> str:
    """A job that ends when a file is there."""
    return f"[[None for _ in iter(lambda: __import__('os').path.exists({str(path)!r}), True)], 'waited'][1]"


def makes(path: Path) -> str:
    """A job that makes a file."""
    return f"open({str(path)!r}, 'w').close() or 'made'"


def test_results_come_in_order_or_as_completed(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    with WorkerPool(eval, 2) as pool:
        assert list(pool.in_order([waits_for(first), makes(first), "2 + 2"])) == ["waited", "made", 4]
        jobs = [waits_for(second), "2 + 2"]
        completed = pool.as_completed(jobs)
        assert next(completed) == (jobs[1], 4)
        second.touch()  # not before: of two jobs that are done, either may come first
        assert list(completed) == [(jobs[0], "waited")]


def test_there_are_no_more_workers_than_jobs() -> None:
    with WorkerPool(eval, 2) as pool:
        assert list(pool.in_order([])) == [] and pool.processes() == []
        assert list(pool.in_order(["1"])) == [1] and len(pool.processes()) == 1
        assert len(set(pool.in_order(["__import__('os').getpid()"] * 9))) == 2


def test_a_worker_computes_on_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    with WorkerPool(eval, 1) as pool:  # numpy starts the threads of its linear algebra when it is imported
        assert list(pool.in_order(["__import__('numpy') and len(__import__('os').listdir('/proc/self/task'))"])) == [1]


def test_what_a_job_raises_is_raised_with_its_place_in_the_worker() -> None:
    with WorkerPool(eval, 1) as pool, pytest.raises(ZeroDivisionError) as raised:
        list(pool.in_order(["1 / 0"]))
    assert isinstance(raised.value.__cause__, WorkerTraceback) and "<string>" in str(raised.value.__cause__)
    error = "(_ for _ in ()).throw(__import__('autoglm_embodied.errors').errors.ConfigError('so; do that'))"
    with WorkerPool(eval, 1) as pool, pytest.raises(ConfigError, match="so; do that"):
        list(pool.in_order([f"list({error})"]))


@pytest.mark.parametrize("job", ["lambda: 1", "next(_ for _ in [0] if exec('raise ValueError(lambda: 1)'))"])
def test_what_cannot_be_sent_is_told(job: str) -> None:
    with WorkerPool(eval, 1) as pool, pytest.raises(RuntimeError, match="<function <lambda>"):
        list(pool.in_order([job]))


def test_a_worker_that_is_killed_is_one_sentence() -> None:
    with WorkerPool(eval, 2) as pool, pytest.raises(SetupError, match=r"exit code -9\); if memory ran out"):
        list(pool.in_order([HOLDS_THE_INTERPRETER, "__import__('os').kill(__import__('os').getpid(), 9)"]))
    assert pool.processes() == []


@pytest.mark.parametrize("request_to_end", [signal.SIGINT, signal.SIGTERM])
def test_a_worker_leaves_requests_to_end_to_the_main_process(request_to_end: signal.Signals) -> None:
    asked = f"__import__('os').kill(__import__('os').getpid(), {int(request_to_end)}) or 'alive'"
    with WorkerPool(eval, 1) as pool:
        assert list(pool.in_order([asked, "'still'"])) == ["alive", "still"]


def test_leaving_the_pool_ends_a_job_that_holds_the_interpreter() -> None:
    with pytest.raises(KeyboardInterrupt), WorkerPool(eval, 2) as pool:
        for _ in pool.as_completed([HOLDS_THE_INTERPRETER, "1"]):
            workers = pool.processes()
            asked_s = time.monotonic()
            raise KeyboardInterrupt
    assert time.monotonic() - asked_s < END_LIMIT_S
    assert len(workers) == 2 and not any(map(psutil.pid_exists, workers))


def test_workers_of_a_killed_process_are_killed_whatever_they_do(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM.format(jobs=[HOLDS_THE_INTERPRETER, "1"]))
    with Popen([sys.executable, program], stdout=PIPE, env=os.environ) as running:
        assert running.stdout is not None and running.stdout.readline() == b"first\n"
        started = psutil.Process(running.pid).children(recursive=True)
        running.kill()
    assert len(started) == 2
    assert psutil.wait_procs(started, timeout=END_LIMIT_S)[1] == []
