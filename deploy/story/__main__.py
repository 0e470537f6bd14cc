"""`deploy/demo`: a year of one person's support path, played with real processes, and the promises judged by what they stored.

Exit codes: 0 every promise held; 1 one did not, or the play could not go on (said on standard error); 2 wrong usage; 130 and 143 ended from outside.
"""

import argparse
import json
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from deploy.servers.errors import ServerError
from deploy.story.clock import morning
from deploy.story.errors import StoryError
from deploy.story.ink import Ink
from deploy.story.playing import Played, open_premises, play
from deploy.story.premises import Premises
from deploy.story.screens import Progress, console, show_promises, show_units
from deploy.story.script import START
from deploy.story.trying_out import stay


def main(arguments: Sequence[str] | None = None) -> int:
    """Play; returns the exit code."""
    options = _options().parse_args(arguments)
    signal.signal(signal.SIGTERM, _end)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # also where a shell started this in the background
    progress = Progress()
    try:
        with _folder(options.keep) as folder, Premises(folder, kafka=options.kafka, start=morning(START)) as premises:
            open_premises(premises, progress)
            played = play(premises, progress, Ink(options.mark))
            _show(played, as_json=options.json)
            (premises.exports / "summary.json").write_text(json.dumps(played.document(), indent=2, default=str))
            if not options.once:
                stay(premises, progress, karel=played.karel)
    except KeyboardInterrupt:
        progress.say("Stopped.")
        return 128 + signal.SIGINT
    except (StoryError, ServerError) as error:
        progress.say(str(error))
        return 1
    return 0 if played.held else 1


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="deploy/demo",
        description="Plays a year of one person's support path with real processes: four institutions, a hub, a broker, PostgreSQL.",
    )
    parser.add_argument("--once", action="store_true", help="end after the play instead of staying up to be tried out")
    parser.add_argument("--json", action="store_true", help="the summary as JSON on standard output")
    parser.add_argument(
        "--kafka", action="store_true", help="on Apache Kafka (Java 17, Maven) instead of the embedded broker"
    )
    parser.add_argument(
        "--mark",
        default="",
        metavar="WORD",
        help="put WORD into every name, contact and text that the story's people write: it may stand open nowhere but where a "
        "permitted unit reads it",
    )
    parser.add_argument("--keep", type=Path, metavar="DIR", help="leave all that the run stored in DIR (empty or new)")
    return parser


def _show(played: Played, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(played.document(), ensure_ascii=False, default=str))
        return
    out = console()
    show_units(out, played.looks)
    show_promises(out, played.promises, played.events)


@contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    """Where everything is stored: to be kept, or gone at the end."""
    if keep is None:
        with tempfile.TemporaryDirectory(prefix="spojka-demo-", ignore_cleanup_errors=True) as scratch:
            yield Path(scratch)
        return
    if keep.exists() and any(keep.iterdir()):
        raise StoryError(f"{keep} is not empty: name a new folder, so that nothing of yours is overwritten.")
    keep.mkdir(parents=True, exist_ok=True)
    yield keep.resolve()


def _end(number: int, _: object) -> None:
    raise SystemExit(128 + number)


if __name__ == "__main__":
    sys.exit(main())
