"""The page of an evaluation: one template, filled; and its images beside it."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from autoglm_embodied.errors import ConfigError
from autoglm_embodied_sim.eval.episode import GraspResult
from autoglm_embodied_sim.eval.failure import Failure
from autoglm_embodied_sim.report import p_value, points, rate
from autoglm_embodied_sim.report.evaluation import STATS, Evaluation
from autoglm_embodied_sim.report.figures import difference_figure, distribution_figure, success_figure

IMAGES = "images"
DISTRIBUTIONS = (
    ("peak_force_n", "peak force on the wrist", "N"),
    ("seconds", "time until the policy was done", "s"),
)


def write_page(folder: Path, evaluation: Evaluation) -> Path:
    """Write `index.html` and its images to a folder, made if there is none; returns the page's path.

    Raises:
        ConfigError: the folder cannot be written.
    """
    page = folder / "index.html"
    prepare(folder)
    try:
        for result in evaluation.results:
            for moment, jpeg in evaluation.images.get(result.key, {}).items():
                (folder / image_path(result, moment)).write_bytes(jpeg)
        page.write_text(render(evaluation), encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"cannot write a report to {folder} ({error.strerror}); name a folder that can be") from error
    return page


def prepare(folder: Path) -> None:
    """Make the folder of a report; ConfigError where that cannot be done, better before than after measuring."""
    try:
        (folder / IMAGES).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"cannot write a report to {folder} ({error.strerror}); name a folder that can be") from error


def render(evaluation: Evaluation) -> str:
    """The page as HTML; every text that is put into the template is escaped."""
    environment = Environment(
        loader=PackageLoader("autoglm_embodied_sim", "report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"plain": _plain, "setting": _setting, "failure": _failure}
    distributions = (distribution_figure(evaluation, *named) for named in DISTRIBUTIONS)
    return environment.get_template("page.html.jinja").render(
        evaluation=evaluation,
        stats=STATS,
        classes=list(Failure),
        success_figure=Markup(success_figure(evaluation)),
        difference_figure=Markup(difference_figure(evaluation.pairings)) if evaluation.pairings else "",
        distributions=[Markup(svg) for svg in distributions if svg is not None],
        best={suite: max(cases, key=lambda case: case.count()) for suite, cases in evaluation.suites.items()},
        image_path=image_path,
        **{written.__name__: written for written in (p_value, points, rate)},
    )


def image_path(result: GraspResult, moment: str) -> str:
    """Where an image lies, from the page."""
    return f"{IMAGES}/{result.suite}-{result.policy}-{result.seed}-{moment}.jpg"


def _plain(name: str) -> str:
    """A name of a figure or class as people read it."""
    return name.replace("_", " ")


def _failure(result: GraspResult) -> str:
    return "not classified" if result.failure is None else _plain(result.failure.value)


def _setting(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return " – ".join(str(part) for part in value) if isinstance(value, tuple | list) else str(value)
