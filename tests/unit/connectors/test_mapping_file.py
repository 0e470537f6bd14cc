"""Mapping files are written by people: every mistake is named with its line, before a row is read."""

import json

import jsonschema
import pytest
import yaml

from adapters.connectors.import_words import REASONS, WORDS
from adapters.connectors.mapping_file import MappingError, load_mapping, parse_mapping, shipped_names
from adapters.connectors.mapping_schema import FILE, schema_text
from adapters.connectors.refusal import RefusalReason

GOOD = """\
mapping: own
title: Own
tables:
  kinds:
    course: vocational-training
sources:
  - file: a.csv
    key: id
    client: case
    rules:
      - name: service
        message: service.delivered
        time: {instant: day}
        category: skills
        facts:
          service: {code: what, table: kinds}
"""


def fault(text: str) -> MappingError:
    with pytest.raises(MappingError) as caught:
        parse_mapping(text, "own.yaml")
    assert caught.value.advice
    return caught.value


def test_the_smallest_mapping_is_accepted() -> None:
    assert parse_mapping(GOOD, "own.yaml").sources[0].client == ("case",)


@pytest.mark.parametrize(
    ("old", "new", "line", "told"),
    [
        ("    key: id", "    kee: id", 7, "key"),
        ("    client: case", "    client: case\n    clients: case", 10, "clients"),
        ("title: Own", "title: Own\ntitle: Again", 3, "twice"),
        ("message: service.delivered", "message: service.deliverd", 12, "service.deliverd"),
        ("message: service.delivered", "message: consent.expired", 12, "consent.expired"),
        ("category: skills", "category: skill", 14, "skill"),
        ("table: kinds", "table: kind", 16, "kind"),
        ("service: {code", "servise: {code", 16, "servise"),
        ("{code: what, table: kinds}", "{colum: what}", 16, "column, constant"),
        ("{code: what, table: kinds}", "what", 16, "column, constant"),
        ("          service: {code: what, table: kinds}", "          quantity: {decimal: q}", 16, "needs service"),
        ("service: {code: what, table: kinds}", "service: {constant: with blank}", 16, "with blank"),
        ("    course: vocational-training", "    course: with blank", 16, "with blank"),
        ("time: {instant: day}", "time: {date: day}", 13, "instant"),
        ("title: Own", "title: Own\nzone: Europe/Praha", 3, "zone"),
        ("title: Own", "title: Own\nzone: Europe", 3, "zone"),
        ("title: Own", "title: Own\nzone: ../zoneinfo/UTC", 3, "zone"),
        ("title: Own", "title: Own\nzone: zone.tab", 3, "zone"),
        ("title: Own", "title: [Own", 3, ""),
        ("client: case", "client: &c case\n    updated: *c", 10, "alias"),
    ],
)
def test_a_mistake_is_named_with_its_line_and_what_to_do(old: str, new: str, line: int, told: str) -> None:
    error = fault(GOOD.replace(old, new))
    assert told in error.problem
    assert abs(error.line - line) <= 1
    assert error.problem.startswith("own.yaml, line ")


def test_codes_that_yaml_would_change_stay_as_typed() -> None:
    mapping = parse_mapping(GOOD.replace("course:", "NO: x\n    007: y\n    1.10:"), "own.yaml")
    assert list(mapping.tables["kinds"]) == ["NO", "007", "1.10"]


def test_a_join_to_a_lookup_that_is_not_there_is_found_before_any_row() -> None:
    joined = GOOD.replace("    client: case", "    client: case\n    joins: {x: {lookup: nowhere, by: id}}")
    assert "nowhere" in fault(joined).problem


def test_two_rules_of_one_name_would_mix_up_rows_and_are_refused() -> None:
    rule = GOOD[GOOD.index("      - name") :]
    assert "two rules" in fault(GOOD + rule).problem


def test_a_list_or_nothing_in_the_files_place_is_told() -> None:
    assert fault("- a\n- b\n").line == 1
    assert fault("").line == 1
    with pytest.raises(MappingError, match="hmis"):
        load_mapping("no-such-mapping")


@pytest.mark.parametrize("name", shipped_names())
def test_shipped_mappings_follow_the_published_schema(name: str) -> None:
    mapping = load_mapping(name)
    assert mapping.mapping == name
    text = (FILE.parent / "mappings" / f"{name}.yaml").read_text(encoding="utf-8")
    jsonschema.validate(json.loads(json.dumps(yaml.safe_load(text))), json.loads(FILE.read_text(encoding="utf-8")))


def test_the_schema_beside_the_mappings_is_current() -> None:
    assert FILE.read_text(encoding="utf-8") == schema_text(), "run python -m adapters.connectors.mapping_schema"


def test_every_reason_is_told_in_every_language() -> None:
    assert REASONS.keys() == set(RefusalReason)
    assert {tuple(texts) for texts in [*REASONS.values(), *WORDS.values()]} == {("en", "cs", "pl")}
