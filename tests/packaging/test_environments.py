"""environment.yml, binder/ and pyproject.toml say the same."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from support import need

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
NEEDED = {need.name: need.specifier for need in map(Requirement, PROJECT["dependencies"])}
CONDA_ONLY = {"python", "pip"}


def environment(path: str) -> tuple[dict[str, SpecifierSet], dict[str, SpecifierSet], list[str]]:
    """(conda packages, pip packages, folders installed with -e) of one environment file."""
    content = yaml.safe_load((ROOT / path).read_text(encoding="utf-8"))
    assert content["channels"] == ["conda-forge", "nodefaults"]
    (pip,) = [entry["pip"] for entry in content["dependencies"] if isinstance(entry, dict)]
    conda = {}
    for entry in content["dependencies"]:
        if isinstance(entry, str):
            name, specifier = re.fullmatch(r"([A-Za-z0-9_.-]+?)((?:[<>=!~].*)?)", entry).groups()
            conda[name] = SpecifierSet(
                re.sub(r"^=(?=\d)", "==", specifier) + (".*" if specifier.startswith("=3") else "")
            )
    folders = [entry[2:].strip() for entry in pip if entry.startswith("-e")]
    packages = {r.name: r.specifier for r in (Requirement(entry) for entry in pip if not entry.startswith("-e"))}
    return conda, packages, folders


def test_environment_yml_asks_for_the_versions_of_pyproject():
    conda, pip, folders = environment("environment.yml")
    assert folders == ["."]
    assert pip["amqtt"] == NEEDED["amqtt"] == SpecifierSet("==0.12.1")
    assert {**conda, **pip}.keys() - CONDA_ONLY <= NEEDED.keys()
    for name, specifier in {**conda, **pip}.items():
        assert name in CONDA_ONLY or specifier == NEEDED[name], name


def test_its_python_is_one_that_pyproject_allows():
    (version,) = environment("environment.yml")[0]["python"]
    assert version.version.removesuffix(".*") + ".0" in SpecifierSet(PROJECT["requires-python"])


def test_binder_has_the_same_and_the_proxy():
    conda, pip, folders = environment("binder/environment.yml")
    here = environment("environment.yml")
    assert folders == [".."]  # conda resolves it from the folder of the file
    assert pip == here[1]
    assert conda.pop("jupyter-server-proxy")
    assert conda == here[0]


def test_every_dependency_has_a_reason():
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    sections = text.split("dependencies = [")[1].split("[project.scripts]")[0]
    lines = [line for line in sections.splitlines() if line.startswith('  "')]
    groups = [PROJECT["dependencies"], *PROJECT["optional-dependencies"].values()]
    assert len(lines) == sum(map(len, groups))
    assert [line for line in lines if "#" not in line] == []


def test_every_dependency_has_a_lowest_version():
    groups = [PROJECT["dependencies"], *PROJECT["optional-dependencies"].values()]
    unbounded = [entry for group in groups for entry in group if not re.search(r">=|==", entry)]
    assert unbounded == []


def test_whatever_mqttkit_imports_is_declared():
    """A fresh environment must not depend on the luck of what others bring."""
    brought = {"jupyterlab": {"jupyter_client", "jupyter_core", "jupyter_server", "tornado", "traitlets", "IPython"}}
    brought["amqtt"] = {"websockets"}  # which pins one version of it
    declared = [*NEEDED, *(Requirement(e).name for g in PROJECT["optional-dependencies"].values() for e in g)]
    allowed = {"mqttkit", *sys.stdlib_module_names}.union(*(brought[name] for name in brought if name in declared))
    owners = owners_of_imports()
    unknown = {
        f"{path.relative_to(ROOT)}: {name}"
        for path in (ROOT / "mqttkit").rglob("*.py")
        for name in imported(path)
        if name not in allowed
        and not {canonical(owner) for owner in owners.get(name, [name])} & set(map(canonical, declared))
    }
    assert unknown == set()


def owners_of_imports() -> dict[str, set[str]]:
    """The projects that bring each top-level name, by their files: `packages_distributions` of Python 3.10 knows not all."""
    owners: dict[str, set[str]] = {}
    for project in metadata.distributions():
        for file in project.files or ():
            if file.suffix in (".py", ".so", ".pyd"):
                owners.setdefault(file.parts[0].partition(".")[0], set()).add(project.name)
    return owners


def canonical(name: str) -> str:
    """The name of a project without its spelling."""
    return re.sub(r"[-_.]+", "-", name).lower()


def imported(path: Path) -> set[str]:
    """The top-level names that a file imports."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names.add(node.module.split(".")[0])
    return names


def test_repo2docker_finds_binder_and_copies_the_repository_first(tmp_path):
    """`jupyter-repo2docker --no-build --debug .` prints the recipe it would build from."""
    need("repo2docker")
    done = subprocess.run(
        [sys.executable, "-m", "repo2docker", "--no-build", "--debug", str(ROOT)],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=tmp_path,
        env={**os.environ, "PYTHONWARNINGS": "ignore"},
    )
    text = done.stdout + done.stderr
    lines = [json.loads(line)["message"] if line.startswith("{") else line for line in text.splitlines()]
    text = "\n".join(lines)
    assert done.returncode == 0, text
    assert "environment-2epy-2d3-2e12" in text  # the lock file of Python 3.12, not of its default
    copied = text.index(" src/ ${REPO_DIR}/")
    assert copied < text.index('env update -p ${NB_PYTHON_PREFIX} --file "binder/environment.yml"')
    assert "./binder/postBuild" in text
    for package in (ROOT / "binder" / "apt.txt").read_text().split():
        assert package in text


@pytest.mark.skipif(os.name == "nt", reason="Windows keeps no such bit")
@pytest.mark.parametrize("path", ["binder/postBuild", ".ci/run"])
def test_scripts_can_be_run_and_are_valid_bash(path):
    assert os.access(ROOT / path, os.X_OK)
    subprocess.run(["bash", "-n", str(ROOT / path)], check=True, timeout=20)
