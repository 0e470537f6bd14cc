"""Reads mapping files: YAML in which every value is text, checked against the models and the catalogue before any row is read.

Invariants: every fault names the file, the line and what to do; a misspelt, repeated or unknown word is a fault; `NO`, `0123` and `1.10` stay what
was typed (YAML would make a truth value and numbers of them); anchors and aliases are refused, so a small file cannot become a huge one.
"""

from collections.abc import Iterator, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import yaml
from pydantic import ValidationError

from adapters.connectors.mapping import Mapping
from adapters.connectors.mapping_check import faults_of
from adapters.errors import AdapterError

_LARGEST: Final = 1 << 20
_SUFFIX: Final = ".yaml"
_SHIPPED: Final = files("adapters.connectors") / "mappings"
Place = tuple[str | int, ...]


class MappingError(AdapterError):
    """A mapping file is not as it should be; `line` is where (0: the whole file)."""

    def __init__(self, file: str, line: int, problem: str, *, advice: str) -> None:
        super().__init__(f"{file}, line {line}: {problem}" if line else f"{file}: {problem}", advice=advice)
        self.file = file
        self.line = line


def shipped_names() -> tuple[str, ...]:
    """The mappings that come with the adapter."""
    return tuple(sorted(one.name.removesuffix(_SUFFIX) for one in _SHIPPED.iterdir() if one.name.endswith(_SUFFIX)))


def load_mapping(name_or_file: str) -> Mapping:
    """A mapping by its shipped name or its file. Raises `MappingError`."""
    return parse_mapping(*_text_of(name_or_file))


def check_mapping(name_or_file: str) -> tuple[Mapping | None, list[MappingError]]:
    """A mapping with everything that is wrong with it: either of both is empty."""
    try:
        return _checked(*_text_of(name_or_file))
    except MappingError as error:
        return None, [error]


def parse_mapping(text: str, file: str) -> Mapping:
    """A mapping from its text. Raises `MappingError` for the first thing that is wrong with it."""
    mapping, faults = _checked(text, file)
    if mapping is None:
        raise faults[0]
    return mapping


def _text_of(name_or_file: str) -> tuple[str, str]:
    if name_or_file in shipped_names():
        return (_SHIPPED / f"{name_or_file}{_SUFFIX}").read_text(encoding="utf-8"), f"{name_or_file}{_SUFFIX}"
    path = Path(name_or_file)
    try:
        if path.stat().st_size > _LARGEST:
            raise MappingError(
                path.name, 0, "larger than 1 MiB", advice="A mapping is a few hundred lines: name the right file."
            )
        return path.read_text(encoding="utf-8-sig"), path.name
    except (OSError, ValueError) as error:
        advice = f"Name a file in UTF-8, or one of: {', '.join(shipped_names())}."
        raise MappingError(name_or_file, 0, f"cannot be read ({type(error).__name__})", advice=advice) from error


def _checked(text: str, file: str) -> tuple[Mapping | None, list[MappingError]]:
    root = _compose(text, file)
    data = _plain(root, file, set())
    try:
        mapping = Mapping.model_validate(data)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_context=False)
        return None, [_model_fault(file, root, one["loc"], one["msg"], one["type"]) for one in faults]
    wrong = [MappingError(file, _line(root, one.place), one.problem, advice=one.advice) for one in faults_of(mapping)]
    return (None, wrong) if wrong else (mapping, [])


def _model_fault(file: str, root: yaml.Node, place: Place, message: str, kind: str) -> MappingError:
    words = [str(part) for part in place if isinstance(part, int) or _is_word(part)]
    return MappingError(file, _line(root, place), f"{'.'.join(words)}: {message}", advice=_advice(kind))


def _compose(text: str, file: str) -> yaml.Node:
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or "no YAML"
        line = mark.line + 1 if mark else 0
        raise MappingError(file, line, problem, advice="Check indentation, colons and quotes there.") from error
    if not isinstance(root, yaml.MappingNode):
        raise MappingError(file, 1, "not a mapping", advice="Begin with `mapping: <name>`; see the shipped examples.")
    return root


def _plain(node: yaml.Node, file: str, known: set[int]) -> Any:  # noqa: ANN401 - texts, lists and dicts as YAML nests them
    line = node.start_mark.line + 1
    if id(node) in known:
        raise MappingError(file, line, "an alias", advice="Write the part out again: aliases are not supported.")
    known.add(id(node))
    if isinstance(node, yaml.ScalarNode):
        return node.value
    if isinstance(node, yaml.SequenceNode):
        return [_plain(item, file, known) for item in node.value]
    found: dict[str, Any] = {}
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise MappingError(file, line, "a key that is no text", advice="Write a word before the colon.")
        if key.value in found:
            key_line = key.start_mark.line + 1
            raise MappingError(file, key_line, f"{key.value} stands here twice", advice="Leave one of them out.")
        found[key.value] = _plain(value, file, known)
    return found


def _line(root: yaml.Node, place: Sequence[str | int]) -> int:
    """The line of a place, or of the last part of it that the file has."""
    node = root
    line = node.start_mark.line + 1
    for part in place:
        for key, value in _children(node):
            if key == part:
                node, line = value, value.start_mark.line + 1
                break
    return line


def _children(node: yaml.Node) -> Iterator[tuple[str | int, yaml.Node]]:
    if isinstance(node, yaml.MappingNode):
        yield from ((key.value, value) for key, value in node.value)
    elif isinstance(node, yaml.SequenceNode):
        yield from enumerate(node.value)


def _is_word(part: str) -> bool:
    return part.replace("_", "").replace("-", "").replace(".", "").isalnum()


def _advice(kind: str) -> str:
    return {
        "missing": "Add it.",
        "extra_forbidden": "There is no such word: check its spelling against the schema beside the shipped mappings.",
        "expression_form": "Write for instance {column: Name} or {constant: word}.",
    }.get(kind, "Compare with the schema and the shipped mappings.")
