"""`spojka-conformance`: judge an adapter or a hub that was made elsewhere.

Exit codes: 0 every MUST was seen and held; 1 some MUST was broken; 2 wrong usage, or the kit could not play (said on standard error with what to do);
3 no MUST was broken, but some was not seen. The report goes to standard output, what happens meanwhile to standard error.
"""

import asyncio
import sys
from collections.abc import Callable, Coroutine
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final, NoReturn

import typer
from rich.console import Console

from adapters.conformance import hub_units
from adapters.conformance.acts import Acts, shell
from adapters.conformance.adapter_play import Stage, asked_of_adapters, play_hub
from adapters.conformance.cast import Cast
from adapters.conformance.errors import ConformanceError
from adapters.conformance.hub_play import asked_of_hubs, play_units, read_list
from adapters.conformance.own_answers import OwnAnswers
from adapters.conformance.report import Report
from adapters.conformance.requirements import REQUIREMENTS, Side
from adapters.conformance.screen import as_json, table, teller
from adapters.conformance.vector_cases import adapter_cases, hub_cases
from adapters.conformance.vectors import ask_all
from adapters.conformance.wire import KafkaLine, sign_in_of
from contracts.admission import AdmissionRequest, read_request
from contracts.errors import ContractsError
from contracts.names import ProgrammeId
from projections.kafka.connection import SaslMechanism, SecurityProtocol
from projections.kafka.errors import TransportError

_UNPLAYED: Final = 2
_SETTING: Final = "SPOJKA_CONFORMANCE_"


class Part(StrEnum):
    """What an implementation can be asked."""

    ADAPTER = "adapter"
    HUB = "hub"


app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, help=__doc__)

Programme = Annotated[str, typer.Option(help="Name of the programme in which it is tried: a-z, 0-9, hyphen.")]
Bootstrap = Annotated[
    str,
    typer.Option(
        help="Kafka's address, host:port, or file:PATH of a run state file. A broker with nothing else on it."
    ),
]
Partitions = Annotated[int, typer.Option(help="Of hub.inbox. The embedded broker has 4.")]
Sealed = Annotated[
    bool, typer.Option("--sealed", help="A programme that is not on trial: sealing, keys and witnessing are played.")
]
AsJson = Annotated[bool, typer.Option("--json", help="The report as JSON.")]
Patience = Annotated[
    float, typer.Option(help="Seconds to wait for what must come.", envvar="SPOJKA_CONFORMANCE_PATIENCE")
]
# How to sign in at a secured broker: the names and the words are those of an adapter's settings.
Protocol = Annotated[
    SecurityProtocol, typer.Option(help="How to reach the broker", envvar=f"{_SETTING}SECURITY_PROTOCOL")
]
Mechanism = Annotated[
    SaslMechanism, typer.Option(help="How to sign in at the broker", envvar=f"{_SETTING}SASL_MECHANISM")
]
Username = Annotated[
    str | None, typer.Option(help="The institution's principal at the broker", envvar=f"{_SETTING}SASL_USERNAME")
]
Password = Annotated[
    str | None, typer.Option(help="Its password; better from the environment", envvar=f"{_SETTING}SASL_PASSWORD")
]
SignInFile = Annotated[
    Path | None,
    typer.Option(
        help="File of user and password for the broker as the operator gave it, `user:password`, mode 0600; read again at each connection",
        envvar=f"{_SETTING}BROKER_SIGN_IN",
    ),
]
CaFile = Annotated[
    Path | None,
    typer.Option(
        help="PEM file of the CAs that may sign the broker's certificate, as the operator gave it",
        envvar=f"{_SETTING}CA_FILE",
    ),
]


@app.command("first-list")
def first_list(
    programme: Programme = "conformance",
    partitions: Partitions = 4,
    sealed: Sealed = False,  # noqa: FBT002 - a command-line flag
) -> None:
    """Print the first trust list of the kit's programme: what an adapter is given at its enrolment."""
    sys.stdout.write(Cast(ProgrammeId(programme), partitions, sealed=sealed).first_list.decode() + "\n")


@app.command()
def adapter(  # noqa: PLR0913, PLR0917 - what the kit must know to play
    bootstrap: Bootstrap,
    admission: Annotated[Path, typer.Option(help="The adapter's request for admission (JSON).", exists=True)],
    programme: Programme = "conformance",
    act: Annotated[
        str | None,
        typer.Option(
            help="Shell command that does what the JSON on its standard input says; without it you are asked to."
        ),
    ] = None,
    lose_broker: Annotated[
        str | None, typer.Option(help="Shell command that has this broker lose everything and answer again, empty.")
    ] = None,
    partitions: Partitions = 4,
    patience: Patience = 30.0,
    sealed: Sealed = False,  # noqa: FBT002 - a command-line flag
    security_protocol: Protocol = "PLAINTEXT",
    sasl_mechanism: Mechanism = "SCRAM-SHA-512",
    sasl_username: Username = None,
    sasl_password: Password = None,
    broker_sign_in: SignInFile = None,
    ca_file: CaFile = None,
    as_lines: AsJson = False,  # noqa: FBT002 - a command-line flag
) -> None:
    """Play a hub to an adapter, which is running already with the kit's first list."""
    request = _request(admission, programme)
    cast = Cast(ProgrammeId(programme), partitions, request, sealed=sealed)
    line = KafkaLine(
        bootstrap,
        security_protocol=security_protocol,
        sasl_mechanism=sasl_mechanism,
        sign_in=sign_in_of(broker_sign_in, sasl_username, sasl_password),
        ca_file=ca_file,
    )
    lose = None if lose_broker is None else partial(shell, lose_broker)
    _play(
        Side.ADAPTER,
        lambda report, told: play_hub(Stage(line, patience), cast, Acts(act, told), report, lose),
        as_lines=as_lines,
        only=asked_of_adapters(cast, losing=lose is not None),
    )


@app.command("units")
def units(
    folder: Annotated[
        Path, typer.Option(help="Where the kit's units keep their keys; requests for admission are written there.")
    ],
    programme: Programme = "conformance",
) -> None:
    """Make the units that the operator of the hub under test is to admit."""
    for path in hub_units.make(folder, ProgrammeId(programme)):
        sys.stdout.write(f"{path}\n")


@app.command()
def hub(  # noqa: PLR0913, PLR0917 - what the kit must know to play
    bootstrap: Bootstrap,
    trust_list: Annotated[Path, typer.Option(help="The hub's newest trust list, a DSSE envelope.", exists=True)],
    keys: Annotated[Path, typer.Option(help="Folder of the kit's units (`spojka-conformance units`).", exists=True)],
    patience: Patience = 30.0,
    security_protocol: Protocol = "PLAINTEXT",
    sasl_mechanism: Mechanism = "SCRAM-SHA-512",
    sasl_username: Username = None,
    sasl_password: Password = None,
    broker_sign_in: SignInFile = None,
    ca_file: CaFile = None,
    as_lines: AsJson = False,  # noqa: FBT002 - a command-line flag
) -> None:
    """Play units to a hub, which is running already and has admitted them."""
    try:
        signers, opening = hub_units.load(keys), hub_units.load_opening(keys)
        directory = read_list(trust_list, signers)
    except ConformanceError as error:
        _unplayed(f"{error.problem}\n{error.advice}")
    line = KafkaLine(
        bootstrap,
        security_protocol=security_protocol,
        sasl_mechanism=sasl_mechanism,
        sign_in=sign_in_of(broker_sign_in, sasl_username, sasl_password),
        ca_file=ca_file,
    )
    _play(
        Side.HUB,
        lambda report, _: play_units(Stage(line, patience), directory, signers, report, opening),
        as_lines=as_lines,
        only=asked_of_hubs(directory),
    )


@app.command(context_settings={"ignore_unknown_options": True})
def vectors(
    command: Annotated[list[str], typer.Argument(help="The command that answers, behind `--`.")],
    part: Annotated[Part, typer.Option(help="What it implements.")] = Part.ADAPTER,
    as_lines: AsJson = False,  # noqa: FBT002 - a command-line flag
) -> None:
    """Ask an implementation for bytes and verdicts, without a broker: JSON lines on its standard input and output."""
    cases = list(adapter_cases() if part is Part.ADAPTER else hub_cases())

    async def ask(report: Report, _: object) -> None:
        await asyncio.to_thread(ask_all, command, cases, report)

    _play(Side.BYTES, ask, as_lines=as_lines, only=frozenset(one.requirement for one in cases))


@app.command()
def answer() -> None:
    """Answer the questions of `vectors` as our own contracts do: an example to compare with."""
    OwnAnswers().answer_all(sys.stdin, sys.stdout)


@app.command()
def requirements() -> None:
    """List what is required, with references."""
    for one in REQUIREMENTS:
        sys.stdout.write(f"{one.id}\t{one.side}\t{one.level}\t{one.text}\t{one.reference}\n")


Play = Callable[[Report, Callable[[str], None]], Coroutine[Any, Any, None]]


def _play(side: Side, play: Play, *, as_lines: bool, only: frozenset[str] | None = None) -> None:
    told = teller(Console(stderr=True))
    report = Report(side, told, only)
    try:
        asyncio.run(play(report, told))
    except ConformanceError as error:
        if not report.exit_code():
            _unplayed(f"{error.problem}\n{error.advice}")
        told(f"The play ended early: {error.problem}. {error.advice}")
    except TransportError as error:
        _unplayed(str(error))
    if as_lines:
        sys.stdout.write(as_json(report) + "\n")
    else:
        Console().print(table(report))
    raise typer.Exit(report.exit_code())


def _request(path: Path, programme: str) -> AdmissionRequest:
    try:
        request = read_request(path.read_bytes())
    except (ContractsError, OSError) as error:
        _unplayed(f"{path}: {error}")
    if request.programme != programme:
        _unplayed(
            f"{path} is for programme {request.programme}: enrol the adapter in {programme}, or name that one by --programme"
        )
    return request


def _unplayed(said: str) -> NoReturn:
    sys.stderr.write(said + "\n")
    raise typer.Exit(_UNPLAYED)


def main() -> None:
    """The entry point of `spojka-conformance`."""
    app()
