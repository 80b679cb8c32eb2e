"""Markdown tables say what the figures say, and the documents say what the tables say."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import replace
from pathlib import Path

import pytest
from autoglm_embodied_sim.cli.evaluate import measurement
from autoglm_embodied_sim.eval.altered_senses import Alteration
from autoglm_embodied_sim.eval.declutter import RoundResult
from autoglm_embodied_sim.eval.episode import GraspResult
from autoglm_embodied_sim.eval.measure import Measurement
from autoglm_embodied_sim.eval.metrics import add_metrics
from autoglm_embodied_sim.report.markdown import RecordedFigures, insert, tables

from autoglm_embodied.errors import ConfigError
from autoglm_embodied.metrics import Report, wilson
from autoglm_embodied.tools.cli import main, parser

DOCS = Path(__file__).resolve().parents[3] / "docs"
FIGURES = sorted((DOCS / "figures").glob("*.json"))
DOCUMENTS = [document.read_text() for document in sorted(DOCS.glob("*.md"))]
LARGEST = 100_000  # bytes of figures that a repository should carry
ALTERED = Alteration("force", "zeroed"), Alteration("vision", "frozen")
WANTED = Measurement(("large", "declutter"), ("pca", "script"), episodes=4, seed=10, split="validate")


def write(path: Path, wanted: Measurement = WANTED) -> Path:
    """Figures as evaluate writes them: pca holds the object of every other seed, script every one."""
    report, results = Report("autoglm evaluate", wanted.seed, 0), list[GraspResult]()
    for suite in wanted.suites:
        for policy in wanted.policies:
            for seed in wanted.seeds:
                held = policy == "script" or seed % 2 == 0
                one = GraspResult(suite, policy, seed, "red box", held, False, 1, 1, held, 7.25, peak_force_n=12.0)
                tries = 2 if held else 3
                counts = {"successes": 2, "removed": 2, "objects": 2, "tries": tries}
                results.append(RoundResult(**{**vars(one), **counts}) if suite == "declutter" else one)
    add_metrics(report, wanted, results)
    report.details["scenes"] = {"large": {"10": {}}}
    report.write_json(path, 12 * 10**9)
    return path


def test_a_table_says_what_the_figures_say(tmp_path: Path) -> None:
    said = tables(RecordedFigures.read(write(tmp_path / "some.json")))
    large, declutter = said.split("**large**")[1].split("**declutter**")
    pca = "| `pca` | 4 | 50 % (15–85) | 50 % (15–85) | 50 % (15–85) | 0 % (0–49) | 12.0 N (12–12) | 7.2 s |"
    assert pca + " −50.0 (−85.0 to +10.2) | p = 0.5 |" in large
    assert "| `script` | 4 | 100 % (51–100) |" in large and "cleared" not in large
    assert "| `pca` | 4 | 80 % (67–100) of 10 tries | 100 % (51–100) |" in declutter and "strict" not in declutter
    assert "Seeds 10 to 13 for every policy, on the gantry, objects: random_urdfs, validate split." in said
    assert "commit" in said and "cores" in said


def test_every_row_of_a_table_has_the_cells_of_its_head(tmp_path: Path) -> None:
    lines = [
        line for line in tables(RecordedFigures.read(write(tmp_path / "some.json"))).splitlines() if line[:1] == "|"
    ]
    assert [line.count("|") for line in lines[:4]] == [lines[0].count("|")] * 4
    assert [line.count("|") for line in lines[4:]] == [lines[4].count("|")] * 4


@pytest.mark.parametrize("special", [{}, {"rig": "arm", "easy": True, "altered": ALTERED}, {"objects": Path("a b")}])
def test_the_command_asks_for_what_was_measured(special: dict[str, object], tmp_path: Path) -> None:
    wanted = replace(WANTED, **special)  # type: ignore[arg-type]
    words = shlex.split(RecordedFigures.read(write(tmp_path / "some.json", wanted)).command.replace("\\\n", ""))
    args = parser("evaluate").parse_args(words[1:])
    asked = (tuple(args.suite), tuple(args.policy), args.episodes, args.seed, args.rig, args.easy)
    assert asked == (wanted.suites, wanted.policies, wanted.episodes, wanted.seed, wanted.rig, wanted.easy)
    assert measurement(args).altered == wanted.altered and not args.against_plain
    assert (args.objects, args.split) == ("a b", None) if wanted.objects else (None, "validate")


def test_figures_without_their_episodes_make_the_same_tables(tmp_path: Path) -> None:
    path = write(tmp_path / "some.json")
    assert main(["table", str(path), "--keep", str(tmp_path / "kept")]) == 0
    kept = tmp_path / "kept" / "some.json"
    assert tables(RecordedFigures.read(kept)) == tables(RecordedFigures.read(path))
    assert not {"episodes", "scenes"} & set(json.loads(kept.read_text()))


def test_tables_are_put_between_their_markers_and_nowhere_else(tmp_path: Path) -> None:
    path, document = write(tmp_path / "some.json"), tmp_path / "page.md"
    text = "# A\n<!-- table: some -->\nold\n<!-- end -->\nB\n<!-- table: other -->\nold\n<!-- end -->\n"
    document.write_text(text)
    for _ in range(2):
        assert main(["table", str(path), "--into", str(document)]) == 0
        assert document.read_text() == text.replace("old", f"\n{tables(RecordedFigures.read(path))}", 1)


def test_a_document_without_the_markers_is_refused() -> None:
    with pytest.raises(ConfigError, match="no place for some; give it the lines <!-- table: some --> and <!-- end -->"):
        insert("# A\n<!-- table: other -->\n<!-- end -->\n", "some", "")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "cannot read figures from"),
        ("no JSON", "is no file of figures of suites"),
        ("[]", "is no file of figures of suites"),
        ('{"rows": 5}', "is no file of figures of suites"),
    ],
)
def test_a_file_without_figures_is_refused(
    content: str | None, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "some.json"
    if content is not None:
        path.write_text(content)
    assert main(["table", str(path)]) == 2
    assert said in capsys.readouterr().err


def test_figures_of_no_suite_are_refused(tmp_path: Path) -> None:
    report = Report("autoglm evaluate", 0, 0, details={"objects": "", "episodes": []})
    report.add_fraction("grasp.success", 1, 2, case="primitives/learned/in_process", stat="final")
    report.write_json(tmp_path / "some.json", 0)
    with pytest.raises(ConfigError, match="holds no figures of suites; measure some with"):
        RecordedFigures.read(tmp_path / "some.json")


def test_documents_show_the_tables_of_the_figures_beside_them() -> None:
    assert FIGURES
    for path in FIGURES:
        assert path.stat().st_size < LARGEST
        texts = [text for text in DOCUMENTS if f"<!-- table: {path.stem} -->" in text]
        assert texts
        assert [insert(text, path.stem, tables(RecordedFigures.read(path))) for text in texts] == texts


def test_every_table_in_a_document_has_its_figures() -> None:
    filled = {name for text in DOCUMENTS for name in re.findall("<!-- table: (.+) -->\n(?!<!-- end)", text)}
    assert filled == {path.stem for path in FIGURES}


def share(count: int, of: int) -> str:
    low, high = (round(100 * bound) for bound in wilson(count, of))
    return f"{round(100 * count / of)} % ({low}–{high})"


@pytest.mark.parametrize(("file", "said"), [("named_plain", "as learned"), ("named_held_out", "held out")])
def test_the_figures_of_the_policy_that_sees_for_itself_are_those_of_its_episodes(file: str, said: str) -> None:
    episodes = map(json.loads, (DOCS / "figures" / f"{file}.jsonl").read_text().splitlines())
    results = [GraspResult(**episode) for episode in episodes]
    for suite in {result.suite for result in results}:
        here = [result for result in results if result.suite == suite]
        assert len({result.seed for result in here}) == len(here) >= 40
        one = [result for result in here if result.kind in (None, "one")]
        counts = [
            sum(getattr(result, kind) for result in one)
            for kind in ("first_descent", "strict", "held", "wrong_object", "refused")
        ]
        others = [result.refused for result in here if result not in one]
        cells = [suite.join("``"), said, str(len(one)), *(share(count, len(one)) for count in counts)]
        row = " | ".join([*cells, share(sum(others), len(others)) if others else "–"])
        assert f"| {row} |" in (DOCS / "policy.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("policy", ["script", "scored", "scored_without_memory", "scored_true_camera"])
def test_the_figures_of_the_scorer_are_those_of_its_episodes(policy: str) -> None:
    episodes = map(json.loads, (DOCS / "figures" / "pile_scored.jsonl").read_text().splitlines())
    results = [GraspResult(**episode) for episode in episodes if episode["policy"] == policy]
    assert sorted(result.seed for result in results) == list(range(100))
    counts = [sum(getattr(result, kind) for result in results) for kind in ("first_descent", "strict", "held")]
    shown = []
    for count in counts:
        low, high = (round(100 * bound) for bound in wilson(count, len(results)))
        shown.append(f"{count:.1f} % ({low}–{high})")
    assert f"| `{policy}` | {' | '.join(shown)} |" in (DOCS / "policy.md").read_text(encoding="utf-8")
