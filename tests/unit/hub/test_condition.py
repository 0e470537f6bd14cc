"""Health: a supervisor restarts what cannot work, never a standby; a person is called where only a person helps."""

import pytest

from hub.entrypoints.condition import Condition, State, health_of


class Role:
    def __init__(self, condition: Condition) -> None:
        self._condition = condition

    def condition(self) -> Condition:
        return self._condition


@pytest.mark.parametrize(
    ("state", "status"),
    [
        ("writing", "pass"),
        ("relaying", "pass"),
        ("projecting", "pass"),
        ("standby", "pass"),
        ("broker-unavailable", "fail"),
        ("store-unavailable", "fail"),
        ("stopped", "fail"),
    ],
)
def test_a_process_fails_exactly_while_it_cannot_do_its_work(state: State, status: str) -> None:
    other = Role(Condition("standby"))
    assert health_of(0, [("intake", Role(Condition(state))), ("dispatch", other)]).status == status


def test_parked_messages_are_a_warning_and_counted() -> None:
    health = health_of(1, [("intake", Role(Condition("writing", {"parked": 3}, look=True)))])
    assert (health.status, dict(health.checks)) == ("warn", {"shard": 1, "intake": "writing", "parked": 3})


def test_trouble_is_not_hidden_by_what_a_person_should_look_at() -> None:
    roles = [("intake", Role(Condition("writing", look=True))), ("dispatch", Role(Condition("broker-unavailable")))]
    assert health_of(0, roles).status == "fail"
