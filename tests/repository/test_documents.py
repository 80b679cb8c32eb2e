"""What documents tell people to type, set or open is there: commands, names, settings, links and tests."""

from __future__ import annotations

import ast
import io
import re
import shlex
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import redirect_stderr
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from sources import CORE, ROOT, SIM, modules, tracked

from autoglm_embodied.errors import AutoGLMError
from autoglm_embodied.safety.deadman import DeadmanSettings
from autoglm_embodied.safety.limits import Limits
from autoglm_embodied.tools.cli import parser

DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *tracked("docs/*.md")]
INTERFACES = ROOT / "ros2_ws" / "src" / f"{CORE}_interfaces"
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.M | re.S)
SHELL = ("", "sh", "bash")
SPAN = re.compile(r"`([^`]+)`")
ENDS = re.compile(r"[;&|]+")
NAMED_FILE = re.compile(r"(?:config|docs|launch|requirements|setup|tests|autoglm_embodied)/[\w./-]+(?:::\w+)?")
MAKE = {"demo": ["demo"], "bench": ["evaluate", "--ros"]}
OF_ROS = {"diagnostics", "diagnostics_agg", "clock", "tf", "tf_static", "rosout"}
DECLARED = {"parameter", "file_parameter", "rate_parameter"}
parser_of = cache(parser)
CHECKED = {"limits": Limits, "deadman": DeadmanSettings}
"""Groups of settings whose values are checked, too."""


def spans(text: str) -> list[str]:
    """What stands between backticks, outside of fenced blocks, each in one line."""
    return [" ".join(span.split()) for span in SPAN.findall(FENCE.sub("", text))]


def commands(text: str) -> Iterator[list[str]]:
    """The words of each command in the fenced blocks of a shell and between backticks."""
    blocks = "\n".join(block for language, block in FENCE.findall(text) if language in SHELL)
    for line in [*blocks.replace("\\\n", " ").splitlines(), *spans(text)]:
        if re.search(r"\b(autoglm|ros2|make) ", line):
            yield from split(line)


def split(line: str) -> Iterator[list[str]]:
    """The words of each command of a line, without what stands before the command itself."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=";&|<>")
    lexer.whitespace_split = True
    words: list[str] = []
    for word in [*lexer, ";"]:
        if word == "...":  # what stands above
            continue
        if ENDS.fullmatch(word):
            start = next((at for at, each in enumerate(words) if each in ("autoglm", "ros2", "make")), len(words))
            yield words[start:]
            words = []
        else:
            words.append(word)


def command_faults(text: str) -> Iterator[str]:
    """Commands of `autoglm`, and targets of `make`, that there are not."""
    for words in commands(text):
        if words[:1] == ["make"] and len(words) > 1:
            targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.M)
            yield from [f"make {words[1]}: no such target"] * (words[1] not in targets)
            given = [word.removeprefix("ARGS=") for word in words if word.startswith("ARGS=") and words[1] in MAKE]
            words = ["autoglm", *MAKE.get(words[1], ["demo"]), *shlex.split(" ".join(given))]
        if words[:1] == ["autoglm"] and len(words) > 1:
            said = refusal(words[1:])
            yield from [f"{shlex.join(words)}: {said}"] * bool(said)


def refusal(words: list[str]) -> str:
    """What the parser says against the words; text may leave out what a subcommand requires, but name nothing else."""
    top, said = parser_of(words[0]), io.StringIO()
    try:
        with redirect_stderr(said):
            top.parse_args(words)
    except SystemExit as ended:
        if ended.code and "arguments are required" in said.getvalue():
            unknown = [word for word in words if word.startswith("--") and word not in options(top)]
            return f"no such options: {unknown}" if unknown else ""
        return said.getvalue().strip().splitlines()[-1] if ended.code else ""
    return ""


def options(of: ArgumentParser) -> set[str]:
    """The options of a parser and of its subcommands."""
    own = {option for action in of._actions for option in action.option_strings}
    below = [action.choices for action in of._actions if isinstance(action.choices, dict)]
    return own.union(*(options(each) for choices in below for each in choices.values()))


def launch_faults(text: str) -> Iterator[str]:
    """Launch files, arguments of theirs, and executables of our packages that there are not."""
    for words in commands(text):
        if words[:2] == ["ros2", "launch"] and len(words) > 3 and words[2] in (CORE, SIM):
            known = arguments(words[3])
            given = {word.partition(":=")[0] for word in words[4:] if ":=" in word}
            yield from [f"ros2 launch {words[2]} {words[3]}: no {each}" for each in given - known or set()]
            yield from [f"ros2 launch {words[2]} {words[3]}: no such file"] * (not known)
        if words[:2] == ["ros2", "run"] and len(words) > 3 and words[2] in (CORE, SIM):
            set_here = [
                following.split(":=") for word, following in zip(words, words[1:], strict=False) if word == "-p"
            ]
            if words[3] not in executables(words[2]):
                yield f"ros2 run {words[2]} {words[3]}: no such executable"
            elif words[3] in settings():
                yield from setting_faults(words[3], {name: yaml.safe_load(value) for name, value in set_here})


@cache
def arguments(name: str) -> frozenset[str]:
    """What a launch file declares, and those that it includes; nothing where there is no such file."""
    path = ROOT / "launch" / name
    if not path.is_file():
        return frozenset()
    tree, found = ast.parse(path.read_text()), set[str]()
    tables = {ast.unparse(each.targets[0]): each.value for each in tree.body if isinstance(each, ast.Assign)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("DeclareLaunchArgument"):
            given = node.args[0]  # of a name that a loop has, the keys of the table that it goes over
            found |= set(ast.literal_eval(tables["SIMULATED"]) if isinstance(given, ast.Name) else [given.value])  # type: ignore[attr-defined]
        elif isinstance(node, ast.Constant) and str(node.value).endswith(".launch.py") and node.value != name:
            found |= arguments(str(node.value))
    return frozenset(found)


@cache
def executables(package: str) -> frozenset[str]:
    """The commands that a package installs."""
    path = ROOT / "setup.py" if package == CORE else ROOT / "sim" / "setup.py"
    return frozenset(re.findall(r'"(\w+) = [\w.]+:(?:main|\w+_node)"', path.read_text()))


def name_faults(text: str) -> Iterator[str]:
    """Services, actions, topics, parameters and nodes that `ros2` is given and that no node has."""
    for words in commands(text):
        named = next((at for at, word in enumerate(words) if re.match(r"/[a-z]", word)), len(words))
        name, after = "".join(words[named : named + 1]).strip("/"), words[named + 1 :]
        check = {"service": service_fault, "action": action_fault, "topic": topic_fault, "param": parameter_fault}
        if words[:1] == ["ros2"] and len(words) > 2 and words[1] in (*check, "lifecycle", "node") and name:
            own = words[1] == "topic" and name in own_topics(text)
            said = "" if own else check.get(words[1], node_fault)(name, after)
            yield from [f"{shlex.join(words)}: {said}"] * bool(said)


def own_topics(text: str) -> set[str]:
    """Topics that a document remaps to, or names in a parameter file."""
    given = [values for _, values in parameter_files(text)]
    named = {str(value) for values in given for key, value in values.items() if key.startswith("topics.")}
    return {name.strip("/") for name in named | set(re.findall(r"-r \S+:=(/\S+)", text))}


def service_fault(name: str, after: list[str]) -> str:
    kind = services().get(name)
    return f"no service {name}" if kind is None else "" if not after or after[0].endswith(f"/srv/{kind}") else "type"


def action_fault(name: str, after: list[str]) -> str:
    path = INTERFACES / "action" / f"{name.title()}.action"
    if not path.is_file():
        return f"no action {name}"
    kind, goal = (after + [f"{CORE}_interfaces/action/{path.stem}", "{}"][len(after) :])[:2]
    fields = set(re.findall(r"^[\w\[\]/]+ (\w+)", path.read_text().partition("---")[0], re.M))
    wrong = set(yaml.safe_load(goal)) - fields
    return f"no field {wrong}" if wrong else "" if kind == f"{CORE}_interfaces/action/{path.stem}" else "type"


def topic_fault(name: str, _: list[str]) -> str:
    known = {str(value) for each in settings().values() for key, value in each.items() if key.startswith("topics.")}
    return "" if name in known | OF_ROS else f"no topic {name}"


def node_fault(name: str, _: list[str]) -> str:
    return "" if name in executables(CORE) | executables(SIM) else f"no node {name}"


def parameter_fault(name: str, after: list[str]) -> str:
    if node_fault(name, after) or not after:
        return node_fault(name, after)
    values = {after[0]: yaml.safe_load(after[1]) if len(after) > 1 else None}
    return "; ".join(setting_faults(name, values))


def setting_faults(node: str, values: dict[str, Any]) -> Iterator[str]:
    """What a node would say against parameters; None: the name alone is looked at."""
    yield from (f"{node} has no parameter {name}" for name in values if name not in settings()[node])
    for group, kind in CHECKED.items():
        given = {name.partition(".")[2]: value for name, value in values.items() if name.startswith(f"{group}.")}
        try:
            replace(
                kind(),
                **{name: tuple(of) if isinstance(of, list) else of for name, of in given.items() if of is not None},
            )
        except (AutoGLMError, TypeError) as error:
            yield str(error)


@cache
def services() -> dict[str, str]:
    """The services that nodes make, and the class of each."""
    made = [call for call in calls() if ast.unparse(call.func).endswith("create_service")]
    return {call.args[1].value: ast.unparse(call.args[0]) for call in made if isinstance(call.args[1], ast.Constant)}


@cache
def calls() -> list[ast.Call]:
    """Every call in the nodes of both packages."""
    paths = [path for package in (CORE, SIM) for name, path in modules(package).items() if ".nodes" in name]
    return [node for path in paths for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]


@cache
def settings() -> dict[str, dict[str, Any]]:
    """The parameters of each node: of those with a settings file what it holds, which is all, and the others' names."""
    declared = [call.args[1] for call in calls() if ast.unparse(call.func) in DECLARED and len(call.args) > 1]
    names = {name.value: None for name in declared if isinstance(name, ast.Constant)}
    found: dict[str, dict[str, Any]] = dict.fromkeys(executables(CORE) | executables(SIM), names)
    for name in ("governor", "fusion", "voice", "manager"):
        values = yaml.safe_load((ROOT / "config" / f"{name}.yaml").read_text())
        found[f"{name}_node"] = dict(flat(values[f"/**/{name}_node"]["ros__parameters"]))
    return found


def flat(values: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Names and values of nested settings."""
    for name, value in values.items():
        yield from flat(value, f"{prefix}{name}.") if isinstance(value, dict) else [(f"{prefix}{name}", value)]


def parameter_faults(text: str) -> Iterator[str]:
    """Settings between backticks, or in a parameter file, that no node has, or would refuse."""
    known = {name: value for each in settings().values() for name, value in each.items()}
    groups = {name.partition(".")[0] for name in known if "." in name}
    for span in spans(text):
        name = span.partition(":")[0]
        if re.fullmatch(r"[a-z_]+\.\w+", name) and name.partition(".")[0] in groups and not name.endswith(".yaml"):
            yield from [f"{span}: no such setting"] * (name not in known)
    for node, values in parameter_files(text):
        yield from setting_faults(node, values)


def parameter_files(text: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Node and parameters of each parameter file in the fenced blocks."""
    for language, block in FENCE.findall(text):
        for key, below in (yaml.safe_load(block) or {}).items() if language == "yaml" else ():
            if "ros__parameters" in (below or ()):
                yield key.rpartition("/")[2], dict(flat(below["ros__parameters"]))


def file_faults(text: str) -> Iterator[str]:
    """Files, folders and tests between backticks that are not there."""
    defined = re.findall(r"^def (test_\w+)", "\n".join(path.read_text() for path in sources_of_tests()), re.M)
    for span in spans(text):
        for named in NAMED_FILE.findall(span) if NAMED_FILE.match(span) else ():
            path, _, test = named.partition("::")
            if not (ROOT / path).exists():
                yield f"{path} is not there"
            elif test and f"def {test}(" not in (ROOT / path).read_text():
                yield f"{path} has no {test}"
        if re.fullmatch(r"test_\w+", span) and span not in defined:
            yield f"no test {span}"


@cache
def sources_of_tests() -> list[Path]:
    """The files of the tests."""
    return tracked("tests/*.py")


def link_faults(text: str, folder: Path) -> Iterator[str]:
    """Relative links that lead to no file, or to no heading of one."""
    for link in re.findall(r"\]\((?!\w+:)([^)]+)\)", FENCE.sub("", text)):
        name, _, heading = link.partition("#")
        path = folder / name
        if not path.exists():
            yield f"{link} leads nowhere"
        elif heading and path.suffix == ".md" and heading not in headings(path):
            yield f"{link}: no such heading"


@cache
def headings(path: Path) -> set[str]:
    """Anchors of a page's headings."""
    lines = re.findall(r"^#+ (.*)$", FENCE.sub("", path.read_text()), re.M)
    return {re.sub(r"[^\w\- ]", "", line.lower()).replace(" ", "-") for line in lines}


KINDS = (command_faults, launch_faults, name_faults, parameter_faults, file_faults)
STALE = {
    "`autoglm replai FILE`": command_faults,
    "`autoglm replay --polcy`": command_faults,
    "```sh\ncd out && autoglm replay FILE --rate fast  # why\n```": command_faults,
    "```sh\nmake demo ARGS='--sai hello'\n```": command_faults,
    "`make dmo`": command_faults,
    "```sh\nros2 launch autoglm_embodied sim.launch.py \\\n  sed:=3\n```": launch_faults,
    "`ros2 launch autoglm_embodied simulation.launch.py`": launch_faults,
    "`ros2 run autoglm_embodied governer_node`": launch_faults,
    "`ros2 run autoglm_embodied_sim sim_node --ros-args -p sead:=3`": launch_faults,
    "`ros2 service call /halt std_srvs/srv/Trigger`": name_faults,
    "`ros2 service call /stop std_srvs/srv/Empty`": name_faults,
    "`ros2 action send_goal /grasp autoglm_embodied_interfaces/action/Grasp '{words: x}'`": name_faults,
    "`ros2 action send_goal /grip autoglm_embodied_interfaces/action/Grasp '{}'`": name_faults,
    "`ros2 topic echo --once /governor/status`": name_faults,
    "`ros2 param set /governor_node limits.speed_shares 0.1`": name_faults,
    "`ros2 param set /governor_node limits.speed_share 2.0`": name_faults,
    "`ros2 lifecycle get /governor`": name_faults,
    "`limits.speed: 1`": parameter_faults,
    "```yaml\n/**/governor_node:\n  ros__parameters: {limits: {max_linear_m_s: -1.0}}\n```": parameter_faults,
    "```yaml\n/**/fusion_node:\n  ros__parameters: {align: {map_clock: true}}\n```": parameter_faults,
    "`config/pandas.yaml`": file_faults,
    "`tests/repository/test_documents.py::test_nothing`": file_faults,
    "`test_nothing_at_all`": file_faults,
}


@pytest.mark.parametrize("text", STALE)
def test_what_is_stale_is_found(text: str) -> None:
    assert list(STALE[text](text))


def test_links_that_lead_nowhere_are_found() -> None:
    assert len(list(link_faults("[a](docs/none.md) [b](README.md#none) [c](README.md#try-it)", ROOT))) == 2


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_what_a_document_names_is_there(path: Path) -> None:
    text = path.read_text()
    faults = [fault for kind in KINDS for fault in kind(text)] + list(link_faults(text, path.parent))
    assert not faults, "\n".join(faults)


def test_the_documents_are_read() -> None:
    words = [words for path in DOCUMENTS for words in commands(path.read_text())]
    assert sum(each[:1] == ["autoglm"] for each in words) > 60 and sum(each[:1] == ["ros2"] for each in words) > 15
    assert len(sources_of_tests()) > 100 and len(services()) > 5
