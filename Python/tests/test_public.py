# SPDX-License-Identifier: Apache-2.0
"""The public names: each documented, typed, tested and in the documentation."""

from __future__ import annotations

import doctest
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import esscher
from esscher import _library

TESTS = Path(__file__).parent
ROOT = TESTS.parents[1]


def members() -> list[str]:
    """Names of the package and of the classes in it."""
    found = []
    for name in esscher.__all__:
        found.append(name)
        value = getattr(esscher, name)
        if inspect.isclass(value) and value.__module__.startswith("esscher"):
            found += [f"{name}.{member}" for member in vars(value) if not member.startswith("_")]
            found += [f"{name}.{member}" for member in getattr(value, "__annotations__", {})]
    return sorted(set(found))


def test_all_names_are_there_and_no_others() -> None:
    public = {
        name for name in vars(esscher) if not name.startswith("_") and not inspect.ismodule(getattr(esscher, name))
    }
    assert public - {"annotations"} == set(esscher.__all__) - {"__version__"}


@pytest.mark.parametrize("name", members())
def test_every_public_name_is_tested(name: str) -> None:
    word = name.rpartition(".")[2]
    texts = [path.read_text() for path in TESTS.glob("test_*.py") if path != Path(__file__)]
    assert any(f".{word}" in text for text in texts) or name == "__version__"


@pytest.mark.parametrize("name", members())
def test_every_public_name_is_in_the_documentation(name: str) -> None:
    page = ROOT / "docs" / "python.md"
    if not page.exists():
        pytest.skip("the documentation is not beside the tests")
    assert name.rpartition(".")[2] in page.read_text()


@pytest.mark.parametrize("name", [name for name in members() if not name.startswith("__")])
def test_every_public_name_has_a_docstring(name: str) -> None:
    owner, _, member = name.rpartition(".")
    value = getattr(esscher, owner) if owner else esscher
    found = inspect.getattr_static(value, member, None)
    if found is None or not (callable(found) or isinstance(found, property)):
        # An attribute: the class says what it is.
        assert any(member in str(inspect.getdoc(kind)) for kind in inspect.getmro(value))
        return
    assert inspect.getdoc(found)


def test_every_parameter_is_documented_and_typed() -> None:
    for function in (esscher.frontier, esscher.FrontierResult.plot, esscher.FrontierResult.curve):
        text = str(inspect.getdoc(function))
        for name, parameter in inspect.signature(function).parameters.items():
            if name == "self":
                continue
            assert parameter.annotation is not inspect.Parameter.empty
            assert name in text, f"{function.__name__}: {name}"


def test_the_examples_of_docstrings_hold() -> None:
    import esscher._frontier

    for module in (esscher, esscher._frontier):
        done = doctest.testmod(module)
        assert done.attempted > 0
        assert done.failed == 0


def test_the_package_is_typed_and_has_the_librarys_version() -> None:
    assert (Path(str(esscher.__file__)).parent / "py.typed").exists()
    assert esscher.__version__ == _library.version()


def test_importing_needs_numpy_alone() -> None:
    script = """
import sys
sys.path[:0] = [path for path in sys.argv[1].split(":") if path]
for name in ("pyarrow", "pandas", "polars", "matplotlib", "tqdm", "jax", "torch", "datasets", "duckdb"):
    sys.modules[name] = None
import esscher
print(len(esscher.frontier([[0.0, 1.0, 3.0]], lambdas=[1], ns=[2], resamples=0)))
"""
    paths = ":".join(sys.path)
    done = subprocess.run([sys.executable, "-c", script, paths], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("2\n", "")


def test_a_library_that_cannot_be_loaded_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(_library, "_loaded", None)
    monkeypatch.setenv("ESSCHER_LIBRARY", str(tmp_path / "nothing.so"))
    with pytest.raises(esscher.InternalError, match=r"nothing\.so.*ESSCHER_LIBRARY"):
        esscher.devices()
    monkeypatch.setenv("ESSCHER_LIBRARY", "libc.so.6")
    with pytest.raises(esscher.InternalError, match="has no esscher_abi_version"):
        esscher.devices()
