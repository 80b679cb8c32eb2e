"""The tables of the page: success, classes of failure, two policies against each other, settings."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree.ElementTree import Element

import numpy as np

from autoglm_embodied_sim.eval.metrics import failure_counts
from autoglm_embodied_sim.report.elements import Child, element, table
from autoglm_embodied_sim.report.evaluation import STATS, Case, Evaluation, Pairing
from autoglm_embodied_sim.report.words import STAT_NAMES, chance, plain, points, share

SUCCESS = "none"


def success_table(evaluation: Evaluation) -> Element:
    """Success with Wilson intervals, wrong objects, time and force of every case."""
    head = ["policy", *(STAT_NAMES[stat] for stat in STATS), "held another", "time p50", "peak force p95", "n"]
    rows: list[Sequence[Child]] = []
    for suite in evaluation.wanted.suites:
        rows.append([element("th", suite, colspan=len(head), scope="rowgroup", class_="group")])
        rows += [_success_row(case) for case in evaluation.of_suite(suite)]
    return table("Success in % of the episodes, in brackets its Wilson 95 % interval", head, rows, class_="numbers")


def _success_row(case: Case) -> list[Child]:
    shares = [share(sum(case.held(stat)), case.n) for stat in STATS]
    wrong = share(sum(result.wrong_object for result in case.results), case.n)
    forces = [result.peak_force_n for result in case.results if result.peak_force_n is not None]
    force = f"{np.quantile(forces, 0.95):.1f} N" if forces else "not measured"
    seconds = f"{np.median([result.seconds for result in case.results]):.1f} s" if case.n else "not run"
    return [case.policy, *shares[:-1], element("td", shares[-1], class_="main"), wrong, seconds, force, str(case.n)]


def failure_table(evaluation: Evaluation) -> Element:
    """Cases against classes; the darker, the more of a case's episodes."""
    counts = {case: failure_counts(case.results) for case in evaluation.cases}
    classes = list(next(iter(counts.values())))
    head = ["policy", *("held" if failure.value == SUCCESS else plain(failure.value) for failure in classes), "n"]
    rows: list[Sequence[Child]] = []
    for suite in evaluation.wanted.suites:
        rows.append([element("th", suite, colspan=len(head), scope="rowgroup", class_="group")])
        for case in evaluation.of_suite(suite):
            cells = [_heat(counts[case][failure], case.n, failure.value) for failure in classes]
            rows.append([case.policy, *cells, str(case.n)])
    return table("How the episodes ended", head, rows, class_="numbers heat")


def _heat(count: int, n: int, failure: str) -> Element:
    if not count:
        return element("td", "·", class_="nothing")
    colour = "held" if failure == SUCCESS else "failed"
    strength = 10 + round(55 * count / n)
    return element("td", str(count), style=f"background: color-mix(in srgb, var(--{colour}) {strength}%, transparent)")


def meanings() -> Element:
    """What each class of failure means."""
    classes = [failure for failure in failure_counts(()) if failure.value != SUCCESS]
    entries = [(element("dt", plain(failure.value)), element("dd", failure.meaning)) for failure in classes]
    return element("dl", *(part for entry in entries for part in entry))


def pairing_tables(pairings: Sequence[Pairing]) -> Element:
    """For each pairing, on how many seeds both, one or neither held the object."""
    return element("div", *(_pairing(pairing) for pairing in pairings if pairing.pairs.n), class_="pairs")


def _pairing(pairing: Pairing) -> Element:
    pairs = pairing.pairs
    low, high = pairs.interval()
    caption = f"{pairing.suite}: {pairing.first} against {pairing.second}"
    said = f"{points(pairs.difference)} points ({points(low)} to {points(high)}), McNemar {chance(pairs.chance())}"
    head = ["", f"{pairing.second} held", f"{pairing.second} failed"]
    rows = [
        [f"{pairing.first} held", str(pairs.both), str(pairs.first_alone)],
        [f"{pairing.first} failed", str(pairs.second_alone), str(pairs.neither)],
    ]
    return element("div", table(caption, head, rows, class_="numbers"), element("p", said, class_="note"))


def settings_table(evaluation: Evaluation) -> Element:
    """A column for each suite, a row for each setting."""
    suites = evaluation.wanted.suites
    names = list(dict.fromkeys(name for suite in suites for name in evaluation.settings[suite]))
    rows = [
        [plain(name), *(_setting(evaluation.settings[suite].get(name, "")) for suite in suites)]
        for name in names
        if name != "name"
    ]
    return table("Settings of each suite; lengths in metres, mass in kilograms, force in newtons", ["", *suites], rows)


def _setting(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return " – ".join(str(part) for part in value) if isinstance(value, tuple | list) else str(value)
