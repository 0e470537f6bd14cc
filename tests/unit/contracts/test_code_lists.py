"""Our own code lists: what screens show, what messages accept, and that the files are proper SKOS."""

import json
import re
import timeit
from importlib.resources import files
from pathlib import Path
from typing import Annotated

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError
from rdflib import RDF, Graph, Literal, URIRef
from rdflib.namespace import DCTERMS, OWL, SKOS

from contracts.categories import DIMENSIONS, Category
from contracts.code_lists import (
    LANGUAGES,
    CodeOf,
    UnknownCodeError,
    UnknownLanguageError,
    UnknownListError,
    codes,
    label,
    list_names,
    load,
)
from contracts.strict_json import parse

ALL_LISTS = sorted(list_names())
GLOSSARY = [
    ("status", "registered-jobseeker", "uchazeč o zaměstnání", "bezrobotny"),
    ("status", "voluntary-jobseeker", "zájemce o zaměstnání", "poszukujący pracy"),
    ("status", "inactive-unregistered", "neaktivní mimo evidenci", "bierny zawodowo"),
    ("status", "struck-off", "vyřazení z evidence", "utrata statusu"),
    ("paper-kind", "consent", "souhlas", "zgoda"),
    ("paper-kind", "release-from-secrecy", "zproštění mlčenlivosti", "zwolnienie z tajemnicy"),
    ("referral-kind", "signposting", "odkázání", "wskazanie pomocy"),
    ("referral-kind", "transfer", "předání případu", "przekazanie sprawy"),
    ("capacity", "waiting-list", "pořadník", "lista oczekujących"),
    ("session-form", "case-conference", "případová konference", "zespół kooperacyjny"),
    ("session-form", "group", "skupinové poradenství", "poradnictwo grupowe"),
    ("instrument", "needs-assessment", "posouzení potřeb", "diagnoza potrzeb"),
    ("outcome-type", "subsidised-job", "SÚPM", "zatrudnienie subsydiowane"),
    ("outcome-type", "debt-relief", "oddlužení", "upadłość konsumencka"),
]


def file_text(name: str) -> str:
    return (files("contracts.code_lists") / "skos" / f"{name}.jsonld").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ALL_LISTS)
class TestEveryList:
    def test_a_worker_reads_every_code_in_every_language_and_no_two_look_the_same(self, name: str) -> None:
        concepts = load(name).concepts
        for language in LANGUAGES:
            labels = [concept.labels[language] for concept in concepts]
            assert all(text and text == text.strip() for text in labels)
            assert len(set(labels)) == len(labels)
            assert load(name).titles[language]

    def test_a_code_is_short_kebab_case_and_unique(self, name: str) -> None:
        notations = [concept.notation for concept in load(name).concepts]
        assert all(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", code) and len(code) <= 40 for code in notations)
        assert len(set(notations)) == len(notations) == len(codes(name))

    def test_a_librarian_s_rdf_tool_reads_the_same_as_we_do(self, name: str) -> None:
        graph = Graph().parse(data=file_text(name), format="json-ld")
        code_list = load(name)
        scheme = URIRef(code_list.iri)
        assert (scheme, RDF.type, SKOS.ConceptScheme) in graph
        assert graph.value(scheme, OWL.versionInfo) == Literal(code_list.version)
        assert set(graph.objects(scheme, DCTERMS.title)) == {Literal(t, lang=k) for k, t in code_list.titles.items()}
        assert set(graph.subjects(SKOS.inScheme, scheme)) == {URIRef(c.iri) for c in code_list.concepts}
        for concept in code_list.concepts:
            subject = URIRef(concept.iri)
            assert (subject, RDF.type, SKOS.Concept) in graph
            assert concept.iri == f"{code_list.iri}#{concept.notation}"
            assert graph.value(subject, SKOS.notation) == Literal(concept.notation)
            expected = {Literal(text, lang=language) for language, text in concept.labels.items()}
            assert set(graph.objects(subject, SKOS.prefLabel)) == expected

    def test_the_file_has_no_duplicate_member_and_no_unknown_one(self, name: str) -> None:
        document = parse(file_text(name).encode())
        assert set(document) == {"@context", "@id", "@type", "title", "version", "concepts"}
        for concept in json.loads(file_text(name))["concepts"]:
            assert set(concept) - {"exactMatch"} == {"@id", "@type", "notation", "prefLabel"}
            assert set(concept["prefLabel"]) == set(LANGUAGES)


def test_the_gate_and_the_screens_know_the_same_categories() -> None:
    assert codes("category") == {str(category) for category in Category}
    assert codes("dimension") == {str(dimension) for dimension in DIMENSIONS}


def test_a_dimension_and_the_category_of_the_same_name_are_linked() -> None:
    graph = Graph().parse(data=file_text("category"), format="json-ld")
    for concept in load("dimension").concepts:
        assert graph.value(predicate=SKOS.exactMatch, object=URIRef(concept.iri)) == URIRef(
            f"{load('category').iri}#{concept.notation}"
        )


@pytest.mark.parametrize(("name", "code", "czech", "polish"), GLOSSARY)
def test_labels_use_the_words_agreed_with_workers(name: str, code: str, czech: str, polish: str) -> None:
    assert label(name, code, "cs") == czech
    assert label(name, code, "pl") == polish


def test_the_glossary_of_the_project_has_those_words(shared_material: Path) -> None:
    text = (shared_material / "GLOSSARY.md").read_text(encoding="utf-8")
    for _, _, czech, polish in GLOSSARY:
        assert f"| {czech} | {polish}" in text


class Decline(BaseModel):
    reason: Annotated[str, CodeOf("decline-reason")]


def test_a_known_code_passes_unchanged() -> None:
    assert Decline(reason="no-capacity").reason == "no-capacity"


@pytest.mark.parametrize("given", ["No-Capacity", " no-capacity", "no-capacity ", "", "no_capacity"])
def test_a_code_is_not_mended_because_it_was_signed_as_it_is(given: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Decline(reason=given)
    assert caught.value.errors()[0]["type"] == "unknown-code"


def test_a_worker_who_mistypes_is_told_the_nearest_code() -> None:
    with pytest.raises(ValidationError, match="nearest: no-capacity"):
        Decline(reason="no-capcity")


def test_where_nothing_is_near_all_codes_are_named() -> None:
    with pytest.raises(ValidationError) as caught:
        Decline(reason="zzzzzz")
    assert all(code in caught.value.errors()[0]["msg"] for code in codes("decline-reason"))


def test_the_error_does_not_repeat_what_a_person_typed() -> None:
    with pytest.raises(ValidationError) as caught:
        Decline(reason="Karel lives at the hostel")
    assert "Karel" not in caught.value.errors(include_input=False)[0]["msg"]
    with pytest.raises(UnknownCodeError) as unknown:
        label("decline-reason", "Karel lives at the hostel", "en")
    assert "Karel" not in str(unknown.value)


def test_a_unit_that_writes_its_own_adapter_finds_the_codes_in_the_schema() -> None:
    schema = Decline.model_json_schema()["properties"]["reason"]
    assert schema["type"] == "string"
    assert frozenset(schema["enum"]) == codes("decline-reason")


def test_a_huge_wrong_code_costs_no_time() -> None:
    adapter = TypeAdapter(Annotated[str, CodeOf("barrier")])

    def refused() -> None:
        with pytest.raises(ValidationError):
            adapter.validate_python("x" * 262_144)

    assert timeit.timeit(refused, number=5) < 1


def test_a_model_with_a_misspelt_list_fails_when_it_is_defined() -> None:
    with pytest.raises(UnknownListError, match="decline-reason"):
        TypeAdapter(Annotated[str, CodeOf("decline-reasons")])


def test_a_missing_label_language_says_which_there_are() -> None:
    with pytest.raises(UnknownLanguageError, match="cs, pl, en"):
        label("status", "employed", "de")
