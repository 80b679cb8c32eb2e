"""The page: every failure is on it, whatever is named is escaped, and it asks for nothing outside itself."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from autoglm_embodied_sim.eval.altered_senses import Alteration
from autoglm_embodied_sim.eval.episode import GraspResult
from autoglm_embodied_sim.eval.failure import Failure
from autoglm_embodied_sim.eval.measure import Measurement, failures_to_replay
from autoglm_embodied_sim.report import p_value, percent, points, rate
from autoglm_embodied_sim.report.evaluation import Evaluation
from autoglm_embodied_sim.report.page import render, write_page

from autoglm_embodied.errors import ConfigError
from autoglm_embodied.metrics import Report

WANTED = Measurement(("large", "pile"), ("pca", "script"), episodes=6, seed=10, split="validate")
JPEGS = {"before": b"\xff\xd8before", "contact": b"\xff\xd8contact", "after": b"\xff\xd8after"}
NASTY = '<script>alert("x")</script> & "co"'


class Page(HTMLParser):
    """Tags that are open, text, images and links of a page."""

    VOID = {"meta", "img", "br"}

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text, self.images, self.outside = "", dict[str, str](), list[str]()
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.outside += [value for value in given.values() if re.search(r"//|^data:|^javascript:", value)]
        assert tag not in ("script", "link", "iframe")
        if tag == "img":
            self.images[given["src"]] = given["alt"]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data if "style" not in self.open else ""


def results(target: str = "red mug") -> list[GraspResult]:
    """Policy pca fails on odd seeds, script on seed 15 alone, both for a different reason each time."""
    made, classes = [], [failure for failure in Failure if failure is not Failure.NONE]
    for suite in WANTED.suites:
        for policy in WANTED.policies:
            for seed in range(10, 16):
                held = seed % 2 == 0 or (policy == "script" and seed != 15)
                failure = Failure.NONE if held else classes[seed % len(classes)]
                one = GraspResult(suite, policy, seed, target, held, False, 1, 2, True, seconds=5.0 + seed)
                made.append(replace(one, peak_force_n=3.0 * seed, failure=failure))
    return made


def evaluation(most: int = 24, wanted: Measurement = WANTED, of: list[GraspResult] | None = None) -> Evaluation:
    """The results above, the first `most` failures of a case photographed."""
    measured = results() if of is None else of
    images = {(result.suite, result.policy, result.seed): JPEGS for result in failures_to_replay(measured, most)}
    report = Report("autoglm evaluate", wanted.seed, 0)
    return Evaluation.of(["evaluate", "--report", "a b"], wanted, report, measured, images, 12 * 10**9)


def test_the_page_is_well_formed_and_asks_for_nothing_outside() -> None:
    page = Page(render(evaluation()))
    assert page.open == [] and page.outside == []
    assert set(re.findall(r"url\(.", render(evaluation()))) == {"url(#"}  # parts of the figures themselves
    assert "@import" not in render(evaluation())


def test_the_same_evaluation_gives_the_same_page() -> None:
    assert render(evaluation()) == render(evaluation())


def test_figures_take_their_colours_from_the_page_in_light_and_dark() -> None:
    html = render(evaluation())
    light, dark = (set(re.findall(r"--(\w+): #", block)) for block in re.findall(r":root \{(.*?)\}", html, re.DOTALL))
    figures = "".join(re.findall(r"<svg.*?</svg>", html, re.DOTALL))
    used = set(re.findall(r"var\(--(\w+)\)", figures))
    assert {"ink", "soft", "line", "held", "failed", "first", "strict", "final"} == used <= light == dark
    assert set(re.findall(r"(?:fill|stroke): ([^v;\"][^;\"]*)", figures)) == {"none"}
    assert html.count("<svg") == 4 and "fill: none; stroke: none" not in figures


def test_figures_show_every_episode_and_every_interval() -> None:
    success, difference, force, seconds = re.findall(r"<svg.*?</svg>", render(evaluation()), re.DOTALL)
    for figure in (force, seconds):
        assert figure.count("fill-opacity: 0.7") == len(results())  # a dot each
    for words in ("final 3 of 6, 50 %", "first descent", "large", "pile"):
        assert words in success
    assert difference.count("−33.3, McNemar p = 0.5") == 2 and "large / pca" in difference
    assert "p50" in force and "p95" in seconds


def test_every_failed_episode_is_shown_with_images_that_exist(tmp_path: Path) -> None:
    path = write_page(tmp_path / "made" / "report", evaluation())
    page = Page(path.read_text())
    failed = [result for result in results() if not result.held]
    for result in failed:
        for moment, jpeg in JPEGS.items():
            name = f"images/{result.suite}-{result.policy}-{result.seed}-{moment}.jpg"
            assert (path.parent / name).read_bytes() == jpeg
            assert f"seed {result.seed}" in page.images[name] and moment in page.images[name]
    assert len(page.images) == 3 * len(failed)


@pytest.mark.parametrize("most", [0, 1])
def test_failures_without_images_are_named_by_seed_and_counted(most: int) -> None:
    page = Page(render(evaluation(most)))
    assert len(page.images) == 3 * 4 * most
    left_out = ["11 (", "13 (", "15 ("][most:]
    pca = page.text.split("large / pca: 3 of 6 failed")[1].split("large / script")[0]
    assert f"{3 - most} more without images" in pca and all(seed in pca for seed in left_out)


def test_names_of_objects_and_folders_are_escaped() -> None:
    html = render(evaluation(wanted=replace(WANTED, objects=Path(NASTY)), of=results(target=NASTY)))
    assert "<script" not in html
    text = re.sub(r"\s+", " ", Page(html).text)
    assert f"objects{NASTY} rig" in text and f"{NASTY}; 1 approach, 2 tries" in text


def test_the_figures_on_the_page_are_those_of_the_episodes() -> None:
    text = Page(render(evaluation())).text
    assert "50 % (19–81)" in text and "83.3 % (44–97)" in text  # 3 and 5 of 6
    assert "−33.3 points" in text and "McNemar p = 0.5" in text  # 2 against 0 discordant seeds
    assert "autoglm evaluate --report 'a b'" in text and "10 to 15" in text and "12 s" in text
    assert "validate split, on which policies may have been tuned" in text
    assert "--suite SUITE --policy POLICY --seed SEED --episodes 1 --rig gantry --split validate" in text
    for failure in Failure:
        assert failure is Failure.NONE or failure.meaning in text


@pytest.mark.parametrize("policies", [("pca",), ("script",), ("pca", "random")])
def test_any_set_of_policies_has_a_page(policies: tuple[str, ...]) -> None:
    wanted = replace(WANTED, policies=policies, altered=(Alteration("force", "without"),))
    some = [replace(results()[0], policy=policy, seed=10, peak_force_n=None, failure=None) for policy in policies]
    text = Page(render(evaluation(wanted=wanted, of=some))).text
    assert "not run" in text and "not measured" in text and "Altered for every policy: force, without" in text
    assert ("Seed by seed" in text) == (len(policies) > 1)


@pytest.mark.slow
def test_an_installed_package_has_the_template(tmp_path: Path) -> None:
    sim = Path(__file__).resolve().parents[3] / "sim"
    subprocess.run([sys.executable, "setup.py", "-q", "build_py", "--build-lib", str(tmp_path)], cwd=sim, check=True)
    assert (tmp_path / "autoglm_embodied_sim" / "report" / "page.html.jinja").is_file()


def test_a_folder_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot write a report to"):
        write_page(tmp_path / "file", evaluation())


def test_numbers_read_as_people_write_them() -> None:
    assert (percent(0.5), percent(1 / 3), rate(0, 0)) == ("50 %", "33.3 %", "not run")
    assert (points(-0.25), points(0.0), p_value(1e-6), p_value(0.125)) == ("−25.0", "+0.0", "p < 0.001", "p = 0.125")
