"""The one pool of worker processes: jobs run beside each other, and none of it outlives the process that asked.

Workers are fresh interpreters that compute on one thread each. Only the main process answers SIGINT and SIGTERM: when
the pool's context is left, for whatever reason, its workers are killed at once, in the middle of what they do. A job
must therefore write files whole or not at all. The kernel kills the workers of a process that was itself killed.
The standard pools do not fit: `concurrent.futures` waits for jobs that run, and `multiprocessing` keeps a process for
its own resources that is slow to end.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait
from typing import Any, Generic, TypeVar

from autoglm_embodied.errors import SetupError

Job = TypeVar("Job")
Result = TypeVar("Result")

REQUESTS_TO_END = (signal.SIGINT, signal.SIGTERM)
PR_SET_PDEATHSIG = 1  # linux/prctl.h
PROGRAM = """
import sys
sys.path[:] = {path}
from autoglm_embodied.data.worker_pool import work
work({connection}, {parent})
"""
ONE_THREAD = {name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}


class WorkerTraceback(Exception):
    """Where in a worker an exception arose; the cause of the one raised here."""

    def __str__(self) -> str:
        return f"\n{self.args[0]}"


class WorkerPool(Generic[Job, Result]):
    """Worker processes that run one function on job after job; a context, which ends them.

    One list of jobs at a time: its results are taken to the end before another one is begun.

    Args:
        run: picklable; each worker gets it once, with all that is bound to it by `functools.partial`.
        workers: processes at most, 1 or more; never more than there are jobs.
    """

    def __init__(self, run: Callable[[Job], Result], workers: int) -> None:
        self._run = run
        self._limit = workers
        self._workers: list[_Worker] = []

    def __enter__(self) -> WorkerPool[Job, Result]:
        return self

    def __exit__(self, *_: object) -> None:
        """Kill the workers: a job that still runs is not waited for."""
        for worker in self._workers:
            worker.process.kill()
        for worker in self._workers:
            worker.process.wait()
            worker.connection.close()
        self._workers.clear()

    def processes(self) -> list[int]:
        """Process ids of the workers."""
        return [worker.process.pid for worker in self._workers]

    def as_completed(self, jobs: Sequence[Job]) -> Iterator[tuple[Job, Result]]:
        """Each job with its result, as soon as it is there; raises what a job raised.

        SetupError if a worker was killed, as the kernel does when memory is short.
        """
        for index, result in self._results(jobs):
            yield jobs[index], result

    def in_order(self, jobs: Sequence[Job]) -> Iterator[Result]:
        """The results in the order of the jobs; raises what `as_completed` raises."""
        early: dict[int, Result] = {}
        wanted = 0
        for index, result in self._results(jobs):
            early[index] = result
            while wanted in early:
                yield early.pop(wanted)
                wanted += 1

    def _results(self, jobs: Sequence[Job]) -> Iterator[tuple[int, Result]]:
        """Index and result of each job; a worker gets its next job before its result is handed on."""
        while len(self._workers) < min(self._limit, len(jobs)):
            self._workers.append(_Worker.start())
            self._workers[-1].send(self._run)
        indices = iter(range(len(jobs)))
        busy: dict[Any, tuple[_Worker, int]] = {}
        for worker, index in zip(self._workers, indices, strict=False):
            worker.send(jobs[index])
            busy[worker.connection] = worker, index
        while busy:
            for connection in wait(list(busy)):
                worker, done = busy.pop(connection)
                result = worker.result()
                following = next(indices, None)
                if following is not None:
                    worker.send(jobs[following])
                    busy[connection] = worker, following
                yield done, result


@dataclass(frozen=True)
class _Worker:
    """A worker process and this process's end of the pipe to it."""

    process: subprocess.Popen[bytes]
    connection: Connection

    @classmethod
    def start(cls) -> _Worker:
        """Start one in which requests to end are blocked from its first instruction on."""
        here, there = Pipe()
        program = PROGRAM.format(path=sys.path, connection=there.fileno(), parent=os.getpid())
        before = signal.pthread_sigmask(signal.SIG_BLOCK, REQUESTS_TO_END)
        try:
            process = subprocess.Popen(
                [sys.executable, "-c", program], env=os.environ | ONE_THREAD, pass_fds=[there.fileno()]
            )
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        there.close()  # so that the pipe ends with the worker
        return cls(process, here)

    def send(self, message: Any) -> None:
        """Hand the worker the function or its next job."""
        try:
            self.connection.send(message)
        except ConnectionError as error:
            raise self._lost() from error

    def result(self) -> Any:
        """What the job returned; what it raised is raised here."""
        try:
            result = self.connection.recv()
        except (EOFError, ConnectionError) as error:
            raise self._lost() from error
        if isinstance(result, _Raised):
            raise result.error from WorkerTraceback(result.trace)
        return result

    def _lost(self) -> SetupError:
        return SetupError(
            f"a worker process ended in the middle of its work (exit code {self.process.wait()}); "
            "if memory ran out, give fewer --workers, and repeat the command"
        )


@dataclass(frozen=True)
class _Raised:
    """What a job raised, on its way to the main process."""

    error: BaseException
    trace: str


def work(descriptor: int, parent: int) -> None:
    """A worker's life: a function, and then its jobs, until it is killed or the other end of its pipe is closed."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)  # whatever this process is doing when its parent ends
    if os.getppid() != parent:  # it ended before the kernel was asked
        os._exit(1)
    for request in REQUESTS_TO_END:
        signal.signal(request, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, REQUESTS_TO_END)
    connection = Connection(descriptor)
    with suppress(EOFError, ConnectionError):
        run = connection.recv()
        while True:
            job = connection.recv()
            try:
                result = run(job)
            except Exception as error:
                result = _Raised(error, traceback.format_exc())
            _send(connection, result)


def _send(connection: Connection, result: Any) -> None:
    """Send a result; of an exception that cannot be pickled, and of a result that cannot, the text is sent."""
    try:
        connection.send(result)
    except ConnectionError:
        raise
    except Exception:
        trace = result.trace if isinstance(result, _Raised) else traceback.format_exc()
        connection.send(_Raised(RuntimeError(trace.strip().splitlines()[-1]), trace))
