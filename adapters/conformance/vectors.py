"""Asks an implementation questions over its standard input and output: one JSON object a line, each answered by one line.

Protocol: a question has `case` (a number) and `ask`; the answer repeats `case` and has what is asked for: `partition`, `signature`, `proofs`,
`verdict`, `reason`. `{"case": n, "unsupported": true}` says that this implementation does not do that. An answer is due within ten seconds.
Invariant: an answer may have more members than are compared; `reason` is compared where it is given.
"""

import json
import subprocess
from collections.abc import Iterable, Sequence
from queue import Empty, Queue
from threading import Thread
from typing import IO, Any, Final

from adapters.conformance.errors import ConformanceError
from adapters.conformance.report import Report
from adapters.conformance.vector_cases import Case

_SECONDS: Final = 10.0


def ask_all(command: Sequence[str], cases: Iterable[Case], report: Report) -> None:
    """Ask everything. Raises `ConformanceError` where the command does not start or stops answering."""
    with _started(command) as process:
        answers: Queue[str] = Queue()
        reader = Thread(target=_read, args=(process.stdout, answers), daemon=True)
        reader.start()
        try:
            for number, case in enumerate(cases):
                _judge(case, _asked(process, answers, number, case), report)
        finally:
            process.kill()


def _started(command: Sequence[str]) -> subprocess.Popen[str]:
    try:
        return subprocess.Popen(  # noqa: S603 - the vendor's own command
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
        )
    except OSError as error:
        raise ConformanceError(
            f"{command[0]} does not start: {error}", advice="Name a command that answers on its output."
        ) from error


def _read(lines: IO[str] | None, answers: "Queue[str]") -> None:
    for line in lines or ():
        answers.put(line)


def _asked(process: subprocess.Popen[str], answers: "Queue[str]", number: int, case: Case) -> dict[str, Any]:
    try:
        assert process.stdin is not None  # noqa: S101 - it was asked for
        process.stdin.write(json.dumps({"case": number, **case.question}) + "\n")
        process.stdin.flush()
        answer = json.loads(answers.get(timeout=_SECONDS))
    except (OSError, Empty, ValueError) as error:
        raise ConformanceError(
            f"no answer to case {number} ({case.question['ask']}, {case.note})",
            advice="Write one JSON object a line for each question, and flush it.",
        ) from error
    if not isinstance(answer, dict) or answer.get("case") != number:
        raise ConformanceError(f"case {number} was answered as another", advice="Repeat `case` in each answer.")
    return answer


def _judge(case: Case, answer: dict[str, Any], report: Report) -> None:
    if answer.get("unsupported") is True:
        return
    wanted = {name: value for name, value in case.answer.items() if name != "reason" or "reason" in answer}
    given = {name: answer.get(name) for name in wanted}
    said = {name: value if len(str(value)) < 40 else "…" for name, value in given.items()}  # noqa: PLR2004 - a line's worth
    report.judge(case.requirement, holds=given == wanted, else_=f"{case.question['ask']}, {case.note}: answered {said}")
