"""Failed episodes run once more, with images: measuring is not slowed by them, and their outcome must repeat."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from autoglm_embodied.data.worker_pool import WorkerPool
from autoglm_embodied_sim.eval.album import Album
from autoglm_embodied_sim.eval.declutter import RoundResult
from autoglm_embodied_sim.eval.episode import GraspResult
from autoglm_embodied_sim.eval.measure import Measurement, shapes_of
from autoglm_embodied_sim.eval.result_cache import Key, key
from autoglm_embodied_sim.objects.shape import Shape

Jpegs = Mapping[str, bytes]
"""An image each of the moments `album.MOMENTS` that came."""


def failures_to_replay(results: Sequence[GraspResult], most: int) -> list[GraspResult]:
    """The episodes to take images of; rounds of many tries are left out.

    Args:
        results: of a measurement.
        most: failed episodes of each suite and policy; the first so many are taken.
    """
    taken: Counter[tuple[str, str]] = Counter()
    shown = []
    for result in results:
        case = result.suite, result.policy
        if not result.held and taken[case] < most and not isinstance(result, RoundResult):
            taken[case] += 1
            shown.append(result)
    return shown


def replay_failures(
    wanted: Measurement, results: Sequence[GraspResult], workers: int, progress: Callable[[], None]
) -> dict[Key, Jpegs]:
    """Images of episodes, each run once more.

    Args:
        wanted: the measurement that they are of.
        results: what was measured in them.
        workers: processes.
        progress: called after each.

    Raises:
        RuntimeError: an episode went otherwise than when it was measured.
    """
    if not results:
        return {}
    images = {}
    with WorkerPool(partial(_replay, wanted, shapes_of(wanted)), workers) as pool:
        for measured, (again, jpegs) in zip(results, pool.in_order([key(result) for result in results]), strict=True):
            if again != measured:
                raise RuntimeError(f"an episode did not repeat: measured {measured}, run again {again}")
            images[key(measured)] = jpegs
            progress()
    return images


def _replay(wanted: Measurement, shapes: Sequence[Shape], episode: Key) -> tuple[GraspResult, Jpegs]:
    suite, policy, seed = episode
    album = Album()
    result = wanted.run(suite, policy, seed, shapes, album)
    return result, album.jpegs
