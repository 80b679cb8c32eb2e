"""Episodes run in other processes, which are given the shapes once and not with each job."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import TypeVar

from autoglm_embodied.data.workers import end_with_parent
from autoglm_embodied_sim.objects.shape import Shape

Job = TypeVar("Job")
Done = TypeVar("Done")

_shared: list[Sequence[Shape]] = []


def over_jobs(run: Callable[[Job], Done], jobs: Iterable[Job], shapes: Sequence[Shape], workers: int) -> Iterator[Done]:
    """What `run` makes of each job, in order; it finds the shapes in `shared_shapes`."""
    context = get_context("spawn")
    with ProcessPoolExecutor(workers, context, initializer=_share, initargs=(shapes,)) as pool:
        yield from pool.map(run, jobs)


def shared_shapes() -> Sequence[Shape]:
    """What objects are drawn from; only in a worker."""
    return _shared[0]


def _share(shapes: Sequence[Shape]) -> None:
    end_with_parent()
    _shared[:] = [shapes]
