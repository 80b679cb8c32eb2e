"""No source runs what it reads: no pickle, no eval or exec, no shell, no YAML but of plain values."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest
from sources import tracked

UNSAFE_MODULES = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "shelve", "marshal", "pty"}
UNSAFE_CALLS = {
    *("eval", "exec", "compile", "__import__", "os.system", "os.popen", "torch.load", "torch.jit.load"),
    *("yaml.unsafe_load", "yaml.full_load", "yaml.load_all", "subprocess.getoutput", "subprocess.getstatusoutput"),
    *("pandas.read_pickle", "asyncio.create_subprocess_shell"),
}
UNSAFE_ARGUMENTS = {"shell", "allow_pickle"}  # unless False


def unsafe(source: str) -> Iterator[str]:
    """What a source has of these."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
            yield from (f"imports {name}" for name in names if name.split(".")[0] in UNSAFE_MODULES)
        elif isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            if called in UNSAFE_CALLS or called.removeprefix("builtins.") in UNSAFE_CALLS:
                yield f"calls {called}"
            given = {word.arg: word.value for word in node.keywords}
            for name in UNSAFE_ARGUMENTS & given.keys():
                if not (isinstance(given[name], ast.Constant) and given[name].value is False):  # type: ignore[attr-defined]
                    yield f"calls {called} with {name}"
            if called == "yaml.load" and [ast.unparse(each) for each in node.args[1:]] != ["_Loader"]:
                yield "calls yaml.load with a loader that config.py does not check"


def test_no_source_runs_what_it_reads() -> None:
    paths = tracked("autoglm_embodied/*.py", "sim/*.py", "launch/*.py", "setup/*.py", "setup.py", "docs/*.py")
    assert len(paths) > 300
    found = [f"{path.name} {what}" for path in paths for what in unsafe(path.read_text(encoding="utf-8"))]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "from pickle import loads",
        "eval(text)",
        "builtins.exec(text)",
        "torch.load(path)",
        "yaml.load(text)",
        "yaml.load(text, yaml.Loader)",
        "yaml.load(text, Loader=yaml.Loader)",
        "subprocess.run(command, shell=True)",
        "subprocess.run(command, shell=flag)",
        "np.load(path, allow_pickle=True)",
    ],
)
def test_it_would_be_noticed(source: str) -> None:
    assert len(list(unsafe(source))) == 1


def test_what_is_safe_is_not_noticed() -> None:
    assert not list(unsafe("model.eval(); np.load(p, allow_pickle=False); re.compile(p); yaml.safe_load(t)"))
