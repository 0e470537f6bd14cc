"""The worklist on both databases."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine

from contracts.categories import Category
from contracts.codes import RefusalCode
from contracts.facts import Facts, SealedContent
from contracts.messages import referral as moves
from contracts.names import MessageId, ReferralId, UnitId
from contracts.referral_table import ReferralState
from projections.referral_fold import Referral
from projections.worklist import counts, incoming, open_questions, outgoing, referrals, shown, texts
from tests.read_model_rig import (
    HUB,
    KAREL,
    OP,
    UP,
    MemoryJournal,
    OnPostgres,
    OnSqlite,
    Writer,
    day,
    named,
    referral_sent,
    unit_runner,
)

R1, R2 = (ReferralId(named(20_000 + number)) for number in (1, 2))


class Story:
    """A journal into which moves are written."""

    def __init__(self, unit: UnitId = OP) -> None:
        self.journal, self._write = MemoryJournal(unit), Writer()

    def move(
        self,
        facts: Facts,
        author: UnitId = OP,
        *,
        at: float = 0,
        content: SealedContent | None = None,
        **stated: Any,  # noqa: ANN401 - any field of JournalItem
    ) -> MessageId:
        """One message of a referral about skills."""
        payload = self._write(facts, author, category=Category.SKILLS, at=day(at), content=content)
        return self.journal.add(payload, **stated)

    def stands(self, engine: Engine) -> Referral:
        """The one referral there is."""
        unit_runner(engine, self.journal).catch_up()
        with engine.begin() as connection:
            (found,) = referrals(connection, KAREL)
        return found


class WorklistContract:
    def test_the_worker_sees_where_a_referral_stands_and_what_was_agreed(self, engine: Engine) -> None:
        story = Story()
        story.move(referral_sent(1))
        story.move(moves.ReferralReceived(referral_id=R1), UP, at=1)
        story.move(moves.ReferralAccepted(referral_id=R1, first_meeting=day(22)), UP, at=16)
        found = story.stands(engine)
        assert (found.state, found.source, found.target) == (ReferralState.ACCEPTED, OP, UP)
        assert (found.first_meeting, found.due, found.changed_at) == (day(22), None, day(16))
        assert (found.answer_due, found.service, found.category) == (day(18), "course-welding", Category.SKILLS)

    def test_an_unanswered_referral_is_overdue_only_after_its_deadline(self, engine: Engine) -> None:
        story = Story()
        story.move(referral_sent(1, due=18))
        found = story.stands(engine)
        assert [found.overdue(day(at)) for at in (17, 18, 18.01)] == [False, False, True]

    def test_a_place_on_the_waiting_list_is_not_overdue_at_the_old_deadline(self, engine: Engine) -> None:
        story = Story()
        story.move(referral_sent(1, due=18))
        story.move(moves.ReferralWaitlisted(referral_id=R1, expected=day(91)), UP, at=15)
        found = story.stands(engine)
        assert (found.state, found.expected, found.due) == (ReferralState.WAITLISTED, day(91), day(105))
        assert [found.overdue(day(at)) for at in (20, 104, 106)] == [False, False, True]

    def test_each_side_finds_the_referral_on_its_own_list(self, engine: Engine) -> None:
        story = Story()
        story.move(referral_sent(1, due=18))
        story.move(referral_sent(2, due=3))
        unit_runner(engine, story.journal).catch_up()
        with engine.begin() as connection:
            assert [one.referral_id for one in incoming(connection, UP)] == [R2, R1]
            assert [one.referral_id for one in outgoing(connection, OP)] == [R2, R1]
            assert not incoming(connection, OP)
            assert counts(connection, UP, at=day(10)).overdue_incoming == 1

    def test_out_of_touch_nothing_that_others_said_shows_and_all_that_the_unit_said_does(self, engine: Engine) -> None:
        story = Story()
        story.move(referral_sent(1))
        story.move(moves.ReferralAccepted(referral_id=R1), UP, at=3)
        story.move(referral_sent(2))
        story.move(moves.ReferralWithdrawn(referral_id=R2, reason="client-request"), at=4)
        unit_runner(engine, story.journal).catch_up()
        with engine.begin() as connection:
            came, went = shown(connection, OP, others_visible=False)
            assert not came
            own = {R1: ReferralState.SENT, R2: ReferralState.WITHDRAWN}
            assert {one.referral_id: one.state for one in went} == own
            assert shown(connection, UP, others_visible=False) == ((), [])
            assert shown(connection, UP, others_visible=True) == (incoming(connection, UP), [])

    def test_a_move_by_a_unit_that_has_no_part_in_it_changes_nothing(self, engine: Engine) -> None:
        story = Story()
        story.move(referral_sent(1))
        story.move(moves.ReferralAccepted(referral_id=R1), UnitId("vz"), at=1)
        assert story.stands(engine).state is ReferralState.SENT

    def test_a_move_that_the_hub_refused_is_taken_back_on_the_screen(self, engine: Engine) -> None:
        story = Story(UP)
        story.move(referral_sent(1), OP)
        accepted = story.move(moves.ReferralAccepted(referral_id=R1), UP, at=2)
        assert story.stands(engine).state is ReferralState.ACCEPTED
        story.journal.change(accepted, kind="refused", refusal=RefusalCode.REFERRAL_MOVE_NOT_ALLOWED)
        assert story.stands(engine).state is ReferralState.SENT

    def test_a_back_filled_referral_ends_in_the_state_of_the_log(self, engine: Engine) -> None:
        story = Story(UnitId("md"))
        story.move(moves.ReferralPaused(referral_id=R1, reason="illness"), UP, at=5, position=40)
        story.move(moves.ReferralAccepted(referral_id=R1), UP, at=3, position=20)
        story.move(referral_sent(1), OP, at=1, position=10)
        story.move(moves.ReferralStarted(referral_id=R1, first_contact=day(4)), UP, at=4, position=30)
        assert story.stands(engine).state is ReferralState.ON_HOLD

    def test_an_own_move_without_receipt_follows_what_had_arrived_when_it_was_made(self, engine: Engine) -> None:
        story = Story()
        story.move(referral_sent(1))
        story.move(moves.ReferralAccepted(referral_id=R1), UP, at=3, position=20)
        story.move(moves.ReferralStarted(referral_id=R1, first_contact=day(4)), UP, at=4, position=30)
        story.move(moves.ReferralCompleted(referral_id=R1, outcome="service-delivered"), UP, at=5, position=40)
        story.move(moves.ReferralClosed(referral_id=R1), OP, at=6)
        assert story.stands(engine).state is ReferralState.CLOSED

    def test_the_hubs_timer_expires_and_an_erased_referral_leaves_the_list(self, engine: Engine) -> None:
        story = Story(UP)
        sent = story.move(referral_sent(1), OP)
        story.move(moves.ReferralExpired(referral_id=R1, due=day(18)), HUB, at=19)
        assert story.stands(engine).state is ReferralState.EXPIRED
        story.journal.erase(sent, day(30))
        unit_runner(engine, story.journal).catch_up()
        with engine.begin() as connection:
            assert not referrals(connection, KAREL)

    def test_results_of_services_outside_are_shown_as_reported_and_counted_apart(self, engine: Engine) -> None:
        story = Story()
        story.move(referral_sent(1, None))
        story.move(moves.ReferralDeclined(referral_id=R1, reason="no-capacity", as_reported=True), at=4)
        story.move(referral_sent(2))
        unit_runner(engine, story.journal).catch_up()
        with engine.begin() as connection:
            counted = counts(connection, OP, at=day(5))
            outside = next(one for one in outgoing(connection, OP) if one.external)
        assert counted.external == {ReferralState.DECLINED: 1}
        assert counted.outgoing == {ReferralState.SENT: 1}
        assert (outside.state, outside.as_reported) == (ReferralState.DECLINED, 1)

    def test_the_parties_read_question_and_answer_and_see_what_is_open(self, engine: Engine) -> None:
        story = Story()
        story.move(referral_sent(1))
        asked = [
            story.move(moves.QuestionAsked(referral_id=R1), UP, at=at, content=moves.QuestionContent(question=text))
            for at, text in ((10, "When was the certificate issued?"), (11, "By whom?"))
        ]
        answer = moves.QuestionAnswered(referral_id=R1, question_id=asked[0])
        story.move(answer, at=13, content=moves.AnswerContent(answer="In 2011."))
        unit_runner(engine, story.journal).catch_up()
        with engine.begin() as connection:
            found = texts(connection, KAREL, R1)
        assert [one.text for one in found] == ["When was the certificate issued?", "By whom?", "In 2011."]
        assert [one.text for one in open_questions(found)] == ["By whom?"]


class TestWorklistOnSqlite(OnSqlite, WorklistContract):
    pass


class TestWorklistOnPostgres(OnPostgres, WorklistContract):
    pass
