"""The catalogue: one row a type, and rows that do not contradict themselves."""

from contracts.catalogue import CATALOGUE, Audience, Author, spec_of, specs
from contracts.categories import WHOLLY_SEALED, Category
from contracts.envelope import model_of
from contracts.golden_corpus.examples import examples


def test_no_two_rows_share_a_type_a_schema_or_a_class_of_facts() -> None:
    rows = list(specs())
    for values in ({row.type for row in rows}, {row.schema_id for row in rows}, {row.facts for row in rows}):
        assert len(values) == len(rows)
    assert set(CATALOGUE) == {row.type for row in rows}


def test_types_and_schemas_are_named_as_agreed() -> None:
    for row in specs():
        noun, _, verb = row.name.partition(".")
        assert noun
        assert verb
        assert row.type == f"eu.spojka.{row.name}.v{row.version}"
        assert row.schema_id == f"urn:spojka:schema:{row.name}.v{row.version}"


def test_every_row_can_be_modelled_and_is_found_by_its_facts() -> None:
    for example in examples():
        row = spec_of(example.facts)
        assert CATALOGUE[row.type] is row
        assert model_of(row.type).model_fields["data"].is_required()


def test_only_messages_about_a_client_have_a_category() -> None:
    assert all(row.about_subject for row in specs() if row.categorised)


def test_codes_about_the_person_have_a_place_to_be_sealed_in() -> None:
    for row in specs():
        may_be_special = row.categorised and bool((row.categories or frozenset(Category)) & WHOLLY_SEALED)
        assert not (row.coded and may_be_special) or row.sealed is not None, row.type


def test_what_the_hub_says_seals_nothing_since_the_hub_has_no_content() -> None:
    assert all(row.sealed is None for row in specs() if row.author is Author.HUB)


def test_reports_to_the_hub_reach_no_unit() -> None:
    hub_alone = {row.name for row in specs() if row.audience is Audience.HUB}
    assert {"record.accessed", "feed.acknowledged", "feed.replay-requested", "obligation.answered"} <= hub_alone
