"""The operator reads what was heard, how it was understood, and what changed; never the same twice, never raw bytes."""

from __future__ import annotations

import ast
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from autoglm_embodied.tools.cli import parser
from autoglm_embodied.voice.operator_view import LONGEST, OperatorView, RobotStatus

LAUNCH = Path(__file__).resolve().parents[2] / "launch"


def test_an_utterance_is_shown_with_what_was_made_of_it() -> None:
    view = OperatorView()
    found = {"outcome": "asked", "text": "let go", "intent": "RELEASE", "confidence": "0.71"}
    assert view.heard("did you mean: release?", found) == "     you  'let go' (0.71) asked: did you mean: release?"
    unclear = {"outcome": "refused"}
    assert (
        view.heard("say it again", unclear)
        == view.heard("say it again", unclear)
        == ("     you  refused: say it again")
    )


def test_what_is_told_at_every_tick_is_shown_when_it_changes() -> None:
    view = OperatorView()
    told = [("", "idle", "", ""), ("red cube", "reach", "", ""), ("red cube", "reach", "", "")]
    told += [("red cube", "lift", "", ""), ("red cube", "hold", "held", "It hangs."), ("", "idle", "", "")]
    assert [line.split(maxsplit=1)[1] for each in told if (line := view.acted(*each))] == [
        *("nothing to do", "red cube: reach", "red cube: lift", "held: It hangs.", "nothing to do")
    ]
    gone = [view.changed("governor", f"gone, {age} s old; see its log") for age in (2, 3, 40)]
    assert [line is None for line in gone] == [False, True, True]
    assert view.changed("governor", "The robot may move.") and view.changed("governor", "gone, 2 s old; see its log")


def test_a_question_is_answered_with_what_is_done_where_the_object_is_and_what_is_not_sensed() -> None:
    idle = RobotStatus("", "idle", "", "", ["language"])
    assert idle.sentence() == "nothing to do"
    held = RobotStatus("", "idle", "held", "Held with 1.9 N on the wrist.", ["force", "language"])
    assert held.sentence() == "nothing to do; the last goal ended as held: Held with 1.9 N on the wrist.; without force"
    running = RobotStatus("pick up the red cube", "reach", "", "", [], (0.4, -0.1, 0.021))
    where = "the object is at x 0.40, y -0.10, z 0.02 m in the base frame"
    assert running.sentence() == f"pick up the red cube: reach; {where}"
    unseen = RobotStatus("pick up the red cube", "reach", "", "", ["vision", "force"])
    assert unseen.sentence() == "pick up the red cube: reach; without vision and force"
    assert RobotStatus("\x1b[2J" * 99, "", "", "").sentence().isprintable()


@settings(max_examples=30)
@given(st.text(max_size=400), st.text(max_size=400))
def test_what_others_sent_is_one_line_that_cannot_command_the_terminal(sentence: str, text: str) -> None:
    view = OperatorView()
    for line in (view.heard(sentence, {"text": text}), view.changed("robot", sentence)):
        assert line is not None and line.isprintable() and len(line) <= LONGEST + 10


def test_the_launch_file_starts_the_view_and_launch_files_that_are_there() -> None:
    tree = ast.parse((LAUNCH / "teleop.launch.py").read_text())
    words = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    launched = {word for word in words if word.endswith(".launch.py")}
    assert launched == {"sim.launch.py", "robot.launch.py"} and all((LAUNCH / name).is_file() for name in launched)
    (view,) = [
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and "autoglm" in ast.unparse(node.value) and isinstance(node.value, ast.List)
    ]
    program, *typed = [each.value if isinstance(each, ast.Constant) else "r1" for each in view.elts]
    assert ast.unparse(view.elts[-1]) == "LaunchConfiguration('namespace')"
    watching = parser("voice").parse_args(typed)
    assert program == "autoglm" and watching.robot and watching.namespace == "r1"
