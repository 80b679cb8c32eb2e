"""Every failed episode: with images where they were taken, else by its seed."""

from __future__ import annotations

from xml.etree.ElementTree import Element

from autoglm_embodied_sim.eval.measure import GraspResult
from autoglm_embodied_sim.eval.result_cache import key
from autoglm_embodied_sim.report.elements import element
from autoglm_embodied_sim.report.evaluation import Case, Evaluation
from autoglm_embodied_sim.report.words import counted, plain

FOLDER = "images"


def image_name(result: GraspResult, moment: str) -> str:
    """Path of an image, from the page."""
    return f"{FOLDER}/{result.suite}-{result.policy}-{result.seed}-{moment}.jpg"


def gallery(evaluation: Evaluation, case: Case) -> Element:
    """The failed episodes of a case."""
    shown = [result for result in case.failed if key(result) in evaluation.images]
    left_out = [result for result in case.failed if key(result) not in evaluation.images]
    parts = [element("h3", f"{case.suite} / {case.policy}: {len(case.failed)} of {case.n} failed")]
    parts.append(element("div", *(_episode(evaluation, result) for result in shown), class_="gallery"))
    if left_out:
        seeds = ", ".join(f"{result.seed} ({_failure(result)})" for result in left_out)
        parts.append(element("p", f"{len(left_out)} more without images, by seed: {seeds}."))
    return element("div", *parts)


def _episode(evaluation: Evaluation, result: GraspResult) -> Element:
    images = [
        element(
            "div",
            element(
                "img",
                src=image_name(result, moment),
                alt=f"seed {result.seed}, {result.policy} in {result.suite}, {moment}: {_failure(result)}",
                width=240,
                height=240,
                loading="lazy",
            ),
            element("span", moment),
        )
        for moment in evaluation.images[key(result)]
    ]
    force = "" if result.peak_force_n is None else f", at most {result.peak_force_n:.0f} N"
    believed = "believed to hold it" if result.confident else "knew that it failed"
    ways = counted(result.approaches, "approach", "approaches"), counted(result.tries, "try", "tries")
    effort = f"{', '.join(ways)}, {result.seconds:.1f} s{force}"
    head = element("b", f"seed {result.seed}: {_failure(result)}")
    caption = element("figcaption", head, element("br"), f"{result.target}; {effort}; {believed}")
    return element("figure", element("div", *images, class_="moments"), caption)


def _failure(result: GraspResult) -> str:
    return "not classified" if result.failure is None else plain(result.failure.value)
