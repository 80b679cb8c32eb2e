"""The learned policy in the suites through the real nodes over DDS, in real time; the simulator lays out and judges."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from autoglm_embodied.errors import SensorError
from autoglm_embodied.graph.launch import parameters
from autoglm_embodied_sim.eval.episode import LEARNED, GraspResult
from autoglm_embodied_sim.eval.primitives_over_graph import GRASP_S, Graph, graph

HELD = "held"
REFUSALS = ("not_found", "ambiguous", "unknown_words")


def measure_over_graph(
    suites: Sequence[str],
    seeds: range,
    table: Mapping[str, object],
    checkpoint: Path | None,
    log_dir: Path,
    progress: Callable[[GraspResult], None],
) -> list[GraspResult]:
    """All episodes, suite by suite, each on a graph of its own.

    Nothing of it is remembered for another run: what happens in real time does not follow from the seed alone.

    Args:
        suites: names.
        seeds: of the episodes of each suite.
        table: the simulator's parameters `objects` and `easy`.
        checkpoint: folder of the policy; the shipped one if None.
        log_dir: for what the nodes print.
        progress: called with each result.

    Raises:
        AutoGLMError: a node died or did not come up.
    """
    from autoglm_embodied.model.checkpoint import SHIPPED

    results = []
    for suite in suites:
        scenes = parameters(suite=suite, seed=seeds.start, **table)
        with graph(scenes, checkpoint or SHIPPED, log_dir / suite) as running:
            for seed in seeds:
                results.append(_episode(running, suite, seed))
                progress(results[-1])
    return results


def _episode(running: Graph, suite: str, seed: int) -> GraspResult:
    laid = _answer(running.call("sim/reset"), "instruction", "kind", "target", "things")
    target, things = laid["target"], laid["things"]
    began_ns = time.monotonic_ns()
    end = running.client.grasp(laid["instruction"], GRASP_S, running.processes.check)
    seconds = (time.monotonic_ns() - began_ns) / 1e9
    judged = _answer(running.call("sim/judge"), "things")["things"]
    held = [index for index, thing in enumerate(judged) if thing["held"]]
    return GraspResult(
        suite=suite,
        policy=LEARNED,
        seed=seed,
        target="" if target is None else f"{things[target]['colour']} {things[target]['shape']}",
        held=held == [target],
        wrong_object=any(index != target for index in held),
        approaches=end.tries,
        tries=end.tries,
        confident=end.outcome == HELD,
        seconds=seconds,
        instruction=laid["instruction"],
        kind=laid["kind"],
        refused=end.outcome in REFUSALS,
    )


def _answer(text: str, *keys: str) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(text)
    if not set(keys) <= set(answer):
        raise SensorError(f"the simulator must answer with {', '.join(keys)}, got {text[:80]!r}")
    return answer
