"""Consent records and receipts against ISO/IEC TS 27560:2023 in DPV 2.3: shapes, states and every term that we use."""

import copy
import csv
import json
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

import pyshacl
import pytest
from rdflib import RDF, Graph, Literal, Namespace, URIRef
from rdflib.namespace import SKOS

from contracts.categories import CONSENT_PURPOSES, Category, Purpose
from contracts.consent_record import (
    SHARING_ALLOWED,
    ConsentReceipt,
    ConsentRecord,
    ConsentState,
    Heading,
    LegalBasis,
    Notice,
    Right,
    StatusEvent,
    Storage,
    from_grants,
    to_jsonld,
)
from contracts.consent_record.jsonld import context
from contracts.consent_record.vocabulary import PERSONAL_DATA, PROCESSING, PURPOSES
from contracts.grants import Grant, Recipient
from contracts.names import GroundId, InstitutionId, MessageId, ProgrammeId, SubjectId, UnitId

Document = dict[str, Any]

DPV = "https://w3id.org/dpv"
SPOJKA = Namespace("https://spojka.eu/vocabulary/consent#")
CONSENT_ID = "0198e5f0-7a3c-7c11-8d5e-2b7f9a1c3d4e"
GIVEN = datetime(2026, 2, 9, 9, 0, tzinfo=UTC)
UNTIL = datetime(2027, 1, 31, 23, 0, tzinfo=UTC)
CONSENTABLE = tuple(c for c in Category if c not in {Category.CRIMINAL, Category.CONDUCT})

# Not in the modules and the record that the shared material holds; each read in the full CSV files of DPV's release 2.3.
READ_IN_DPV_2_3 = {
    "#": "ConsentReceipt GuardianOfDataSubject IndeterminateDuration Optional ProvideOfficialStatistics Purpose "
    "hasDataSource hasNecessity hasRecordOfActivity",
    "/schema/dpv-27560#": "record-eu-gdpr receipt-eu-gdpr",
    "/legal/eu/gdpr#": "A6-1-a A6-1-b A6-1-c A6-1-d A6-1-e A6-1-f A9-2-b A9-2-c A9-2-g A9-2-h",
    "/pd#": "BirthDate Citizenship CurrentEmployment EducationExperience EmailAddress EthnicOrigin FamilyStructure "
    "FinancialStatus Health HomeLocation Household Income Language LoanRecord Name Nationality PhysicalAddress "
    "ProfessionalCertification ProfessionalTraining Residency TechnicalKnowledge Vehicle VehicleLicense WorkExperience",
    "/sector/publicservices#": "PublicServiceEligibilityAssessment PublicServiceFraudPreventionDetection",
    "/loc#": "CZ",
}


def a_record(*categories: Category, purpose: Purpose = Purpose.SUPPORT) -> ConsentRecord:
    """Karel's paper C1, for these categories."""
    grant = Grant(
        sources=(UnitId("op"), UnitId("up")),
        recipient=Recipient("unit:md"),
        purpose=purpose,
        categories=categories or (Category.EMPLOYMENT, Category.HEALTH),
        history_from=datetime(2026, 2, 2, tzinfo=UTC),
        until=UNTIL,
    )
    heading = Heading(
        record_id=GroundId(CONSENT_ID),
        programme=ProgrammeId("decin"),
        subject=SubjectId("r1." + "a" * 26),
        collector=UnitId("op"),
        controllers=(InstitutionId("poradna"),),
        notice=Notice(version="c1", language="cs", sha256="ab" * 32, dated=date(2026, 1, 15)),
        paper=("consent", "release-from-secrecy"),
        withdrawn_at=("https://hub.example/withdraw", "tel:+420123456789"),
        jurisdictions=("CZ", "EU"),
    )
    return from_grants(
        heading,
        grants=[grant],
        bases=(LegalBasis.EXPLICIT_CONSENT, LegalBasis.SPECIAL_EXPLICIT_CONSENT),
        storage=Storage(locations=("CZ",)),
        events=[
            StatusEvent(state=ConsentState.GIVEN, at=GIVEN, indicated_by="client", method="signed-paper", until=UNTIL),
            StatusEvent(
                state=ConsentState.WITHDRAWN, at=datetime(2026, 6, 3, tzinfo=UTC), indicated_by="representative"
            ),
        ],
    )


def a_receipt() -> ConsentReceipt:
    return ConsentReceipt(
        receipt_id=MessageId("0198e5f0-7a3c-7c11-8d5e-2b7f9a1c3d4f"),
        created=GIVEN,
        publisher=UnitId("op"),
        records=(a_record(),),
    )


def package_text(name: str) -> str:
    return (files("contracts.consent_record") / name).read_text(encoding="utf-8")


def as_graph(document: Document) -> Graph:
    return Graph().parse(data=json.dumps(document), format="json-ld")


SHAPES = Graph().parse(data=package_text("shapes.ttl"), format="turtle")


def refusal(document: Document) -> str:
    """What the shapes say against a document; empty when they accept it."""
    conforms, _, report = pyshacl.validate(as_graph(document), shacl_graph=SHAPES)
    return "" if conforms else str(report)


def without(document: Document, path: Iterable[str | int]) -> Document:
    changed = copy.deepcopy(document)
    *parents, last = path
    at: Any = changed
    for step in parents:
        at = at[step]
    del at[last]
    return changed


class TestShapes:
    @pytest.mark.parametrize("category", CONSENTABLE)
    @pytest.mark.parametrize("purpose", sorted(CONSENT_PURPOSES))
    def test_an_auditor_s_validator_accepts_our_record(self, category: Category, purpose: Purpose) -> None:
        assert refusal(to_jsonld(a_record(category, purpose=purpose))) == ""

    def test_it_accepts_our_receipt(self) -> None:
        assert refusal(to_jsonld(a_receipt())) == ""

    def test_it_accepts_a_record_that_others_wrote(self, shared_material: Path) -> None:
        text = (shared_material / "vectors/example_consent_record.jsonld").read_text(encoding="utf-8")
        other = json.loads(text)
        assert "SHA-256" in refusal(other)  # its digest is a placeholder
        other["dpv:hasNotice"]["schema:sha256"] = "cd" * 32
        assert refusal(other) == ""

    @pytest.mark.parametrize(
        "path",
        [
            ("dct:conformsTo",),
            ("dct:identifier",),
            ("dpv:hasIdentifier",),
            ("dpv:hasDataSubject",),
            ("dpv:hasNotice",),
            ("dpv:hasNotice", "dct:language"),
            ("dpv:hasNotice", "schema:sha256"),
            ("dpv:hasDataController",),
            ("dpv:hasJurisdiction",),
            ("dpv:hasRight",),
            ("dpv:hasRight", 0),
            ("dpv:hasConsentControl",),
            ("dpv:hasConsentControl", 0, "dpv:isExercisedAt"),
            ("dpv:hasProcess",),
            ("dpv:hasProcess", 0, "@type"),
            ("dpv:hasProcess", 0, "dpv:hasPurpose"),
            ("dpv:hasProcess", 0, "dpv:hasPersonalData"),
            ("dpv:hasProcess", 0, "dpv:hasRecipient"),
            ("dpv:hasProcess", 0, "dpv:hasLegalBasis"),
            ("dpv:hasProcess", 0, "dpv:hasLegalBasis", 1),
            ("dpv:hasProcess", 0, "dpv:hasStorageCondition"),
            ("dpv:hasProcess", 0, "dpv:hasStorageCondition", 0),
            ("dpv:hasProcess", 0, "dpv:hasStorageCondition", 0, "dpv:hasLocation"),
            ("dpv:hasProcess", 0, "dpv:hasStorageCondition", 1),
            ("dpv:hasProcess", 0, "dpv:hasStorageCondition", 2),
            ("dpv:hasConsentStatus",),
            ("dpv:hasConsentStatus", 0, "@type"),
            ("dpv:hasConsentStatus", 0, "dpv:isIndicatedAtTime"),
            ("dpv:hasConsentStatus", 1, "dpv:isIndicatedBy"),
            ("dpv:hasConsentStatus", 1, "dpv:hasDuration"),
        ],
        ids=lambda path: "/".join(map(str, path)),
    )
    def test_a_record_that_lacks_what_is_mandatory_is_refused(self, path: tuple[str | int, ...]) -> None:
        assert "Conforms: False" in refusal(without(to_jsonld(a_record()), path))

    @pytest.mark.parametrize(
        "name", ["dct:conformsTo", "dct:identifier", "dpv:hasIdentifier", "dct:created", "dpv:hasRecordOfActivity"]
    )
    def test_a_receipt_that_lacks_what_is_mandatory_is_refused(self, name: str) -> None:
        assert "Conforms: False" in refusal(without(to_jsonld(a_receipt()), (name,)))

    def test_a_receipt_is_refused_with_a_broken_record_inside(self) -> None:
        broken = without(to_jsonld(a_receipt()), ("dpv:hasRecordOfActivity", 0, "dpv:hasNotice"))
        assert "consent notice" in refusal(broken)

    @pytest.mark.parametrize(
        ("change", "said"),
        [
            (lambda d: d.update({"dpv:hasDataSubject": ["urn:a:1", "urn:a:2"]}), "exactly one data subject"),
            (lambda d: d.update({"dpv:hasIdentifier": "another"}), "the same as dct:identifier"),
            (lambda d: d.update({"dct:conformsTo": "https://w3id.org/dpv/schema/dpv-27560#record"}), "#record-eu-gdpr"),
            (lambda d: d["dpv:hasNotice"].update({"dct:language": "Czech"}), "language"),
            (lambda d: d["dpv:hasConsentStatus"][1].update({"@type": "dpv:ConsentTerminated"}), "complete status"),
            (lambda d: d["dpv:hasConsentStatus"][1]["@type"].append("dpv:ConsentGiven"), "complete status"),
            (
                lambda d: d["dpv:hasConsentStatus"][0]["dpv:hasDuration"].update({"rdf:value": "soon"}),
                "complete status",
            ),
            (lambda d: d["dpv:hasProcess"][0].update({"dpv:hasLegalBasis": ["eu-gdpr:GDPR"]}), "complete process"),
            (lambda d: d["dpv:hasConsentControl"][0].update({"@type": "dpv:ProvideConsent"}), "control to withdraw"),
        ],
    )
    def test_a_record_that_says_something_wrong_is_refused_with_advice(
        self, change: Callable[[Document], None], said: str
    ) -> None:
        document = to_jsonld(a_record())
        change(document)
        assert said in refusal(document)


@pytest.fixture(scope="module")
def known(shared_material: Path) -> set[str]:
    modules = (shared_material / "data/consent/dpv/2.3/dpv/modules").glob("*.csv")
    terms = {row["iri"] for module in modules for row in csv.DictReader(module.open(encoding="utf-8"))}
    example = Graph().parse(shared_material / "vectors/example_consent_record.jsonld", format="json-ld")
    read = {f"{DPV}{space}{term}" for space, terms in READ_IN_DPV_2_3.items() for term in terms.split()}
    return terms | dpv_terms(example) | read


class TestTerms:
    def test_every_term_that_we_export_exists_in_dpv(self, known: set[str]) -> None:
        exported = dpv_terms(as_graph(to_jsonld(a_receipt())))
        for category in CONSENTABLE:
            for purpose in CONSENT_PURPOSES:
                exported |= dpv_terms(as_graph(to_jsonld(a_record(category, purpose=purpose))))
        assert len(exported) > 80
        assert exported - known == set()

    def test_every_term_that_we_could_export_exists_in_dpv(self, known: set[str]) -> None:
        compact = [*PROCESSING, *(t for terms in (*PERSONAL_DATA.values(), *PURPOSES.values()) for t in terms)]
        compact += [f"eu-gdpr:{one}" for one in (*LegalBasis, *Right)] + [f"dpv:{state}" for state in ConsentState]
        compact += [name for name in context() if ":" in name]
        assert {iri for iri in map(expanded, compact) if iri.startswith(DPV)} - known == set()

    @pytest.mark.parametrize("name", ["shapes.ttl", "vocabulary.ttl"])
    def test_every_term_in_our_own_files_exists_in_dpv(self, known: set[str], name: str) -> None:
        used = dpv_terms(Graph().parse(data=package_text(name), format="turtle"))
        assert used
        assert used - known == set()

    def test_every_term_of_ours_is_defined_below_or_beside_dpv(self) -> None:
        vocabulary = Graph().parse(data=package_text("vocabulary.ttl"), format="turtle")
        ours = {t for t in all_iris(as_graph(to_jsonld(a_record()))) if t in SPOJKA}
        assert len(ours) == 4
        for term in ours:
            assert languages(vocabulary, term) == {"cs", "pl", "en"}
        broader = set(vocabulary.objects(SPOJKA.SupportReferral, SKOS.broader))
        assert broader == {URIRef(expanded(t)) for t in PURPOSES[Purpose.SUPPORT] if not t.startswith("spojka:")}
        assert (SPOJKA.SupportReferral, RDF.type, URIRef(f"{DPV}#Purpose")) in vocabulary

    def test_every_category_that_a_consent_may_name_has_its_data(self) -> None:
        assert set(PERSONAL_DATA) == set(CONSENTABLE)
        assert set(PURPOSES) == set(Purpose)


def test_sharing_is_allowed_in_the_states_in_which_dpv_allows_it(shared_material: Path) -> None:
    path = shared_material / "data/consent/dpv/2.3/dpv/modules/consent_status.csv"
    with path.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    valid = {row["term"] for row in rows if row["hasbroader"].endswith("ConsentStatusValidForProcessing")}
    invalid = {row["term"] for row in rows if row["hasbroader"].endswith("ConsentStatusInvalidForProcessing")}
    assert {state.value for state in SHARING_ALLOWED} == valid
    assert {state.value for state in ConsentState} - valid == invalid


def test_no_value_that_should_be_a_link_is_exported_as_text() -> None:
    literals = {str(o) for o in as_graph(to_jsonld(a_receipt())).objects() if not isinstance(o, URIRef)}
    assert [
        text for text in literals if text.startswith(tuple(f"{p}:" for p in ("dpv", "pd", "ps", "urn", "https")))
    ] == []


def all_iris(graph: Graph) -> set[URIRef]:
    return {term for triple in graph for term in triple if isinstance(term, URIRef)}


def dpv_terms(graph: Graph) -> set[str]:
    return {str(term) for term in all_iris(graph) if str(term).startswith(DPV)}


def languages(graph: Graph, term: URIRef) -> set[str | None]:
    return {label.language for label in graph.objects(term, SKOS.prefLabel) if isinstance(label, Literal)}


def expanded(compact: str) -> str:
    prefix, _, name = compact.partition(":")
    return f"{context()[prefix]}{name}"
