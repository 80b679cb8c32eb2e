"""The page, from what was run to what the figures do not show."""

from __future__ import annotations

from pathlib import Path
from xml.etree.ElementTree import Element

from autoglm_embodied.errors import ConfigError
from autoglm_embodied_sim.eval.result_cache import key
from autoglm_embodied_sim.report.distribution import distribution_plot
from autoglm_embodied_sim.report.elements import Child, code, document, element, section
from autoglm_embodied_sim.report.evaluation import Evaluation
from autoglm_embodied_sim.report.forest import difference_plot, success_plot
from autoglm_embodied_sim.report.gallery import FOLDER, gallery, image_name
from autoglm_embodied_sim.report.limits import limits
from autoglm_embodied_sim.report.style import STYLE
from autoglm_embodied_sim.report.tables import failure_table, meanings, pairing_tables, settings_table, success_table
from autoglm_embodied_sim.report.words import STAT_MEANINGS, STAT_NAMES, share

TITLE = "Grasping, measured"


def write_page(folder: Path, evaluation: Evaluation) -> Path:
    """Write `index.html` and its images into a folder; returns the page's path."""
    page = folder / "index.html"
    prepare(folder)
    try:
        for result in evaluation.results:
            for moment, jpeg in evaluation.images.get(key(result), {}).items():
                (folder / image_name(result, moment)).write_bytes(jpeg)
        page.write_text(render(evaluation), encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"cannot write a report to {folder} ({error.strerror}); name a folder that can be") from error
    return page


def prepare(folder: Path) -> None:
    """Make the folder of a report; ConfigError where that cannot be done, better before than after measuring."""
    try:
        (folder / FOLDER).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"cannot write a report to {folder} ({error.strerror}); name a folder that can be") from error


def render(evaluation: Evaluation) -> str:
    """The page as HTML."""
    sections = [
        section("What was run", _run(evaluation)),
        section("Success", success_table(evaluation), _stats(), success_plot(evaluation)),
        *_against(evaluation),
        section("Why episodes failed", failure_table(evaluation), meanings()),
        _distributions(evaluation),
        _failed(evaluation),
        section("Settings", settings_table(evaluation)),
        section("Limits", element("ul", *(element("li", limit) for limit in limits(evaluation)))),
    ]
    return document(TITLE, STYLE, element("h1", TITLE), _lead(evaluation), *sections)


def _lead(evaluation: Evaluation) -> Element:
    wanted = evaluation.wanted
    best = []
    for suite in wanted.suites:
        case = max(evaluation.of_suite(suite), key=lambda case: sum(case.held()))
        best.append(f"{suite}: {case.policy} {share(sum(case.held()), case.n)}")
    said = (
        f"{wanted.episodes} episodes in each suite on the {wanted.rig}, every policy on the same scenes: "
        f"{', '.join(wanted.policies)}. Most often held, with Wilson 95 % interval: {'; '.join(best)}."
    )
    return element("p", said, class_="lead")


def _stats() -> Element:
    said = "; ".join(f"{STAT_NAMES[stat]}: {meaning}" for stat, meaning in STAT_MEANINGS.items()).capitalize()
    return element(
        "p", f"A success is what was asked for, and nothing else, held after lift and shake. {said}.", class_="note"
    )


def _against(evaluation: Evaluation) -> list[Element]:
    """Policies against each other, if there are several."""
    pairings = tuple(pairing for pairing in evaluation.pairings if pairing.pairs.n)
    if not pairings:
        return []
    said = (
        f"Each policy and {pairings[0].second} met the same scenes, so that their outcomes are compared seed by seed."
    )
    return [section("Seed by seed", element("p", said), difference_plot(pairings), pairing_tables(pairings))]


def _distributions(evaluation: Evaluation) -> Element:
    plots = [
        distribution_plot(evaluation, lambda result: result.peak_force_n, "peak force on the wrist", "N"),
        distribution_plot(evaluation, lambda result: result.seconds, "time until the policy was done", "s"),
    ]
    said = "Every episode is a dot; the lines across a lane are its median and its 95th percentile."
    return section("Force and time", element("p", said), *(plot for plot in plots if plot is not None))


def _failed(evaluation: Evaluation) -> Element:
    said = (
        "Each was run once more to take the images, and went as it did when it was measured. Before: from above, the "
        "object asked for is ringed. Contact: the last time the fingers closed or met something. After: at the end of "
        "the judge's lift and shake; from above where the hand stands aside with nothing in it. To run one again:"
    )
    galleries = [gallery(evaluation, case) for case in evaluation.cases if case.failed]
    if not galleries:
        return section("Failed episodes", element("p", "None."))
    return section("Failed episodes", element("p", said), element("p", code(evaluation.one_again)), *galleries)


def _run(evaluation: Evaluation) -> Element:
    head, wanted = evaluation.head, evaluation.wanted
    machine = head["machine"]
    last = wanted.seed + wanted.episodes - 1
    rows: dict[str, Child] = {
        "command": code(evaluation.command),
        "seeds": f"{wanted.seed} to {last}",
        "objects": str(wanted.objects or f"random_urdfs, {wanted.split} split"),
        "rig": f"{wanted.rig}{', easy physics' if wanted.easy else ''}",
        "withheld": ", ".join(wanted.without) or "nothing",
        "version": f"{head['version']}, commit {head['git'] or 'unknown'}",
        "machine": f"{machine['cpu']}, {machine['cores']} cores, GPU {machine['gpu'] or 'none'}",
        "started": f"{head['started']}; {head['seconds']:.0f} s, not counting an earlier run that it went on from",
    }
    return element(
        "dl", *(part for name, value in rows.items() for part in (element("dt", name), element("dd", value)))
    )
