"""What a client is handed about themselves: whole, reviewed, in words, never more than the unit could read, and reported each time."""

from __future__ import annotations

import io
import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator
from pypdf import PdfReader

from adapters.desk.actions.consents import Paper, Terms
from adapters.drafts import ClientKey
from adapters.reports.flow import Reporting
from adapters.storage.journal import EntryKind, OwnState
from adapters.words import LANGUAGES, Language, texts
from contracts.access_view import AccessLine, AccessView
from contracts.categories import Category, Purpose
from contracts.envelope import parse
from contracts.grants import Recipient
from contracts.messages.client import ClientContent, Contact
from contracts.names import HUB, ActorId, SubjectId, UnitId
from contracts.personal_report import BLACKED, PersonalReport, PortableCopy
from deploy.publish_contracts import FOLDER
from tests.shared_office import DUTY, OP, UP, SharedOffice
from tests.simulated_hub import GROUND, NOON, PROGRAMME, SUBJECT, message_id

if TYPE_CHECKING:
    from pathlib import Path

CLIENT = ClientKey("2026/17")
BY = ("--actor", "adviser/w1")
THEIR_NOTE = "slept badly"
OWN_NOTE = "came with her sister Jana; jana pays the rent"
FINDING = "Jana's flat is too small"


@pytest.fixture
def office(tmp_path: Path) -> SharedOffice:
    (tmp_path / "home").mkdir()
    office = SharedOffice.make(tmp_path / "home")
    office.service(1, THEIR_NOTE)
    office.adopt(CLIENT)
    house = office.house()
    contact = Contact(phone="+420 601 000 000", address="Děčín, ul. Čs. legií 3")
    house.desk.enrol(CLIENT, content=ClientContent(given_name="Žofie", family_name="Łącka", contact=contact))
    terms = Terms([OP, UP], [Recipient("unit:op")], [Category.HOUSING], NOON.date() + timedelta(days=300), NOON.date())
    house.desk.take_consent(CLIENT, terms, Paper(kinds=("consent",), evidence="folder 7"))
    house.desk.hold_session(CLIENT, Category.HOUSING, kind="social", form="individual", notes=OWN_NOTE)
    house.desk.assess_need(CLIENT, Category.HOUSING, level="high", finding=FINDING)
    with house.store.write() as tx:
        for one in tx.journal.of_subject(SUBJECT):
            if one.kind is EntryKind.OWN and one.state is OwnState.WAITING:
                tx.journal.set_state(one.message_id, OwnState.ACCEPTED)
    house.close()
    return office


def drafted(office: SharedOffice) -> str:
    return office.type("report", "draft", CLIENT, *BY).splitlines()[0]


def parts(office: SharedOffice, number: str) -> dict[str, dict[str, Any]]:
    """What is to be gone through, by what kind it is."""
    listed = json.loads(office.type("report", "show", number, *BY, "--json"))
    return {one["type"].split(".")[2] + "." + one["type"].split(".")[3]: one for one in listed}


def gone_through(office: SharedOffice) -> str:
    """A report whose parts somebody went through."""
    number = drafted(office)
    found = parts(office, number)
    office.type(
        "report", "review", number, found["session.held"]["id"], *BY, "--black", "sister Jana", "--black", "jana"
    )
    office.type("report", "review", number, found["need.assessed"]["id"], *BY, "--withhold")
    office.type("report", "review", number, *BY, "--rest")
    office.type("report", "reviewed", number, *BY)
    return number


def given(office: SharedOffice, number: str, *more: str, name: str = "report.json") -> str:
    file = office.home.parent / name
    office.type("report", "give", number, *BY, "--to", str(file), *more)
    return file.read_text(encoding="utf-8")


def report_of(office: SharedOffice, number: str, *more: str) -> PersonalReport:
    return PersonalReport.model_validate_json(given(office, number, *more))


def printed(file: Path) -> PdfReader:
    return PdfReader(io.BytesIO(file.read_bytes()))


def text_of(reader: PdfReader) -> str:
    """All words, lines joined, as a search in the file finds them."""
    return " ".join(" ".join(page.extract_text() for page in reader.pages).split())


def accessed(office: SharedOffice) -> list[tuple[str, str | None, int]]:
    """What was reported of looks: outcome, reason, how many entries of others."""
    house = office.house()
    with house.store.read() as tx:
        messages = [parse(one.payload or b"") for one in tx.journal.since(0, limit=1000)]
    house.close()
    looks = [one.facts for one in messages if one.type == "eu.spojka.record.accessed.v1"]
    return [(one.outcome, one.reason, len(one.entries)) for one in looks]  # type: ignore[attr-defined] # by its type


def test_nothing_leaves_before_a_worker_went_through_it_and_the_attempt_is_reported(office: SharedOffice) -> None:
    number = drafted(office)
    before = len(accessed(office))
    target = office.home.parent / "early.pdf"
    assert "nobody has gone through" in office.fails("report", "give", number, *BY, "--to", str(target))
    assert accessed(office)[before:] == [("refused", "not-reviewed", 0)]
    assert not target.exists()
    office.type("report", "review", number, *BY, "--rest")
    assert "Nobody has said" in office.fails("report", "give", number, *BY, "--to", str(target)), (
        "decided, but not said"
    )


def test_a_review_that_left_something_open_cannot_be_said_done(office: SharedOffice) -> None:
    number = drafted(office)
    office.type("report", "review", number, parts(office, number)["session.held"]["id"], *BY)
    assert "3 own entries" in office.fails("report", "reviewed", number, *BY)


def test_third_persons_are_black_in_every_form_and_the_client_reads_so(office: SharedOffice) -> None:
    number = gone_through(office)
    report = report_of(office, number)
    own = {one.type: one for one in report.entries if one.author == UP}
    session = own["eu.spojka.session.held.v1"]
    assert session.content is not None
    assert session.content["notes"] == f"came with her {BLACKED}; {BLACKED} pays the rent"
    assert (session.part, own["eu.spojka.need.assessed.v1"].part) == ("blacked", "withheld")
    office.type("report", "give", number, *BY, "--to", str(office.home.parent / "report.pdf"))
    copy = given(office, number, "--portable", name="copy.json")
    for text in (report.model_dump_json(), copy, text_of(printed(office.home.parent / "report.pdf"))):
        assert "jana" not in text.casefold()
        assert "too small" not in text
        assert "pays the rent" in text


def test_words_that_do_not_stand_there_are_not_taken_for_blacked_out(office: SharedOffice) -> None:
    number = drafted(office)
    session = parts(office, number)["session.held"]["id"]
    assert "does not stand" in office.fails("report", "review", number, session, *BY, "--black", "Jarmila")
    assert parts(office, number)["session.held"]["decided"] is None


def test_what_was_written_after_the_review_must_be_gone_through_too(office: SharedOffice) -> None:
    number = gone_through(office)
    house = office.house()
    house.desk.hold_session(CLIENT, Category.HOUSING, kind="social", form="phone", notes="his neighbour Petr rang")
    house.close()
    target = str(office.home.parent / "late.json")
    assert "1 own entries" in office.fails("report", "give", number, *BY, "--to", target)
    office.type("report", "review", number, *BY, "--rest")
    office.type("report", "reviewed", number, *BY)
    assert "Petr" in given(office, number)


def test_a_text_that_was_corrected_after_the_review_must_be_gone_through_again(office: SharedOffice) -> None:
    number = gone_through(office)
    session = parts(office, number)["session.held"]["id"]
    house = office.house()
    house.desk.correct(session, reason="typing-error", content={"notes": "came with her brother Petr"})
    house.close()
    target = office.home.parent / "late.json"
    assert "1 own entries" in office.fails("report", "give", number, *BY, "--to", str(target))
    office.type("report", "review", number, session, *BY, "--black", "brother Petr")
    assert "Nobody has said" in office.fails("report", "give", number, *BY, "--to", str(target)), "decided anew"
    office.type("report", "reviewed", number, *BY)
    assert "Petr" not in given(office, number)


def test_what_another_unit_wrote_comes_from_that_unit(office: SharedOffice) -> None:
    number = gone_through(office)
    report = report_of(office, number)
    (theirs,) = [one for one in report.entries if one.author == OP]
    assert (theirs.part, theirs.content, theirs.facts) == ("ask-its-author", None, None)
    assert (theirs.standing, theirs.category, theirs.ground) == ("given", Category.HOUSING, GROUND)
    assert THEIR_NOTE not in report.model_dump_json()


def test_the_client_reads_with_whom_under_which_reason_for_what_and_until_when(office: SharedOffice) -> None:
    number = gone_through(office)
    report = report_of(office, number)
    (consent,) = report.grounds
    (opening,) = consent.openings
    assert (opening.recipient, opening.categories, opening.purpose) == ("unit:op", (Category.HOUSING,), Purpose.SUPPORT)
    (session,) = [one for one in report.entries if one.type == "eu.spojka.session.held.v1"]
    assert [(one.unit, one.ground) for one in session.may_see] == [(OP, consent.ground)]
    office.type("report", "give", number, *BY, "--to", str(office.home.parent / "report.pdf"))
    text = text_of(printed(office.home.parent / "report.pdf"))
    assert "op may see entries of up about: housing. Purpose: support." in text
    assert "May be seen now by: op." in text
    assert "Entries from 2026-02-09 on, until 2026-12-06." in text, "the last day, as it stands on the paper"


def test_the_client_reads_who_looked_here_and_what_came_but_no_workers_name(office: SharedOffice) -> None:
    office.type("timeline", CLIENT, "--actor", "adviser/w9")
    report = report_of(office, gone_through(office))
    reads = [one for one in report.accesses.lines if one.action == "R"]
    assert {(one.role, one.receiver_code, one.system, one.outcome) for one in reads} == {("adviser", UP, UP, "read")}
    assert "w9" not in report.model_dump_json()
    (came,) = [one for one in report.accesses.lines if one.action == "E"]
    assert (came.receiver_code, came.source, came.logtime) == (UP, OP, NOON)
    assert "reads-elsewhere" in report.not_in_it


def test_every_step_is_a_look_that_is_reported_with_what_was_seen(office: SharedOffice) -> None:
    number = drafted(office)
    assert accessed(office) == [("read", None, 1), ("read", None, 0)], "the draft shows all, the parts are own ones"
    office.type("report", "review", number, *BY, "--rest")
    office.type("report", "reviewed", number, *BY)
    before = len(accessed(office))
    given(office, number)
    assert accessed(office)[before:] == [("read", None, 1)]


def test_past_the_lease_nothing_of_others_is_in_it_and_it_says_so(office: SharedOffice) -> None:
    number = gone_through(office)
    (office.home / "story").write_text((NOON + timedelta(days=8)).isoformat())
    report = report_of(office, number)
    assert {one.author for one in report.entries} == {UP}
    assert not [one for one in report.accesses.lines if one.action == "E"]
    assert "out-of-touch" in report.not_in_it


def test_what_was_given_for_another_purpose_is_not_in_a_report_about_support(office: SharedOffice) -> None:
    other = office.for_control(77)
    assert other not in {one.id for one in report_of(office, gone_through(office)).entries}


def test_the_portable_copy_holds_what_this_unit_recorded_and_nothing_of_others(office: SharedOffice) -> None:
    number = gone_through(office)
    copy = PortableCopy.model_validate_json(given(office, number, "--portable"))
    assert {one.author for one in copy.entries} == {UP}
    (who,) = [one for one in copy.entries if one.type == "eu.spojka.client.enrolled.v1"]
    assert who.content is not None
    assert (who.content["given_name"], who.content["contact"]["phone"]) == ("Žofie", "+420 601 000 000")
    assert "salt" not in copy.model_dump_json()
    assert "of-others" in copy.not_in_it


@pytest.mark.parametrize(
    ("more", "schema"), [((), "personal-report.v1"), (("--portable",), "portable-copy.v1")], ids=["report", "copy"]
)
def test_machines_find_what_the_published_schema_says(office: SharedOffice, more: tuple[str, ...], schema: str) -> None:
    number = gone_through(office)
    document = json.loads(given(office, number, *more))
    published = json.loads((FOLDER / "schemas" / f"{schema}.schema.json").read_text(encoding="utf-8"))
    Draft202012Validator(published, format_checker=Draft202012Validator.FORMAT_CHECKER).validate(document)
    assert document["document"] == published["$id"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_client_reads_the_report_in_their_language_and_a_screen_reader_follows_it(
    office: SharedOffice, language: Language
) -> None:
    number = gone_through(office)
    file = office.home.parent / f"report-{language}.pdf"
    office.type("report", "give", number, *BY, "--to", str(file), "--lang", language)
    reader, words = printed(file), texts(language)
    text = text_of(reader)
    for key in ("title", "sharing", "entries", "looks", "not-in-it", "rights", "right.withdraw", "complain"):
        assert words[f"report.{key}"].split("{")[0] in text, key
    assert "Žofie" in text
    assert "Úřad pro ochranu osobních údajů" in text
    assert "Łącka" in text
    assert SUBJECT not in text
    root: Any = reader.trailer["/Root"]
    assert (root["/Lang"], root["/MarkInfo"]["/Marked"]) == (language, True)
    assert reader.metadata is not None
    assert reader.metadata.title == words["report.title"]
    sections = ("sharing", "entries", "looks", "not-in-it", "rights", "complain")
    assert [one.title for one in reader.outline] == [words[f"report.{one}"] for one in sections]  # type: ignore[union-attr]
    kinds = [one.get_object()["/S"] for one in root["/StructTreeRoot"]["/K"][0].get_object()["/K"]]
    assert kinds[0] == "/H1"
    assert kinds.count("/H2") == len(sections)
    assert set(kinds) == {"/H1", "/H2", "/H3", "/P"}


def test_a_file_for_the_client_goes_when_what_another_unit_shared_must_be_erased(office: SharedOffice) -> None:
    number = gone_through(office)
    file = office.home.parent / "report.pdf"
    office.type("report", "give", number, *BY, "--to", str(file))
    assert file.stat().st_mode & 0o777 == 0o600
    own_alone = office.home.parent / "copy.json"
    given(office, number, "--portable", name="copy.json")
    (copy,) = json.loads(office.type("export", "list", "--json"))
    assert copy["path"] == str(file)
    office.must_erase(message_id(1))
    office.type("obligations", "answer", DUTY[:13])
    assert not file.exists()
    assert own_alone.exists(), "nobody else may ask for the erasure of own entries"


def test_an_erased_entry_is_called_erased_and_not_something_unknown(office: SharedOffice) -> None:
    office.must_erase(message_id(1))
    office.type("obligations", "answer", DUTY[:13])
    page = office.home.parent / "report.pdf"
    office.type("report", "give", gone_through(office), *BY, "--to", str(page))
    text = text_of(printed(page))
    assert texts("en")["report.nothing-left"] in text
    assert texts("en")["type.unknown"] not in text


def test_each_step_is_recorded_with_who_and_when(office: SharedOffice) -> None:
    number = gone_through(office)
    (kept,) = json.loads(office.type("report", "list", "--json"))
    assert (kept["state"], kept["reviewed_by"], kept["drafted_by"]) == ("reviewed", "adviser/w1", "adviser/w1")
    given(office, number)
    (kept,) = json.loads(office.type("report", "list", "--json"))
    assert kept["state"] == "given"
    assert "given" in office.type("report", "list")


def hub_view(office: SharedOffice, *, subject: SubjectId = SUBJECT, said_by: UnitId = HUB) -> str:
    line = AccessLine(
        logtime=NOON, action="R", outcome="refused", receiver_code=UnitId("md-claims"), receiver_name="City, claims",
        role="clerk", system=UnitId("md"), purpose=Purpose.SUPPORT, reason="not-permitted",
    )  # fmt: skip
    view = AccessView(programme=PROGRAMME, subject=subject, said_by=said_by, made_at=NOON, lines=(line,))
    file = office.home.parent / "looks.json"
    file.write_text(view.model_dump_json(exclude_none=True), encoding="utf-8")
    return str(file)


def test_the_hubs_list_of_looks_becomes_a_part_of_the_report_and_a_page_of_its_own(office: SharedOffice) -> None:
    number = gone_through(office)
    report = report_of(office, number, "--from-hub", hub_view(office))
    assert report.accesses_at_the_hub is not None
    assert "reads-elsewhere" not in report.not_in_it
    page = office.home.parent / "looks.pdf"
    office.type("report", "accesses", CLIENT, *BY, "--to", str(page), "--from-hub", hub_view(office), "--lang", "cs")
    text = text_of(printed(page))
    assert "City, claims (clerk), pokus o nahlížení, odmítnuto" in text
    assert "Kód: md-claims; systém: md" in text
    assert texts("cs")["report.not.reads-elsewhere"][:30] not in text


def test_a_list_of_looks_about_another_client_is_refused(office: SharedOffice) -> None:
    number = gone_through(office)
    target = str(office.home.parent / "r.json")
    for wrong in (hub_view(office, subject=SubjectId("r1." + "b" * 26)), hub_view(office, said_by=OP)):
        assert "another client" in office.fails("report", "give", number, *BY, "--to", target, "--from-hub", wrong)


def test_who_looked_is_given_by_itself_and_is_a_look(office: SharedOffice) -> None:
    page = office.home.parent / "looks.json"
    office.type("report", "accesses", CLIENT, *BY, "--to", str(page))
    view = AccessView.model_validate_json(page.read_text(encoding="utf-8"))
    assert view.said_by == UP
    assert accessed(office) == [("read", None, 1)]


def test_there_is_no_report_about_somebody_whom_the_unit_has_no_name_for(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    unlinked = SharedOffice.make(tmp_path / "home")
    unlinked.service(1, THEIR_NOTE)
    assert "no case number" in unlinked.fails("report", "draft", SUBJECT, *BY)
    assert json.loads(unlinked.type("report", "list", "--json")) == []


def test_a_report_that_is_not_there_is_told_in_words(office: SharedOffice) -> None:
    house = office.house()
    with pytest.raises(Exception, match="There is no report 9"):
        Reporting(house, ActorId("adviser/w1")).reviewed(9)
    house.close()
