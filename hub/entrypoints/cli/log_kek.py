"""`spojka-hub rotate-kek`: the key that wraps the keys of the log is renewed, as `spojka-keys rotate-kek` does it for the key service's."""

from typing import Annotated

import typer

from hub.entrypoints.cli.opening import Home, house_of, out
from hub.entrypoints.log_kek import LogKekRenewal


def rotate_kek(
    name: Annotated[str, typer.Argument(help="How the new key is called, for example log-kek-2.")] = "",
    prepare: Annotated[  # noqa: FBT002 - a command-line flag
        bool, typer.Option("--prepare", help="First: make the new key, which wraps nothing yet.")
    ] = False,
    forget: Annotated[str, typer.Option(help="Last: destroy an old key that wraps nothing any more.")] = "",
    home: Home = None,
) -> None:
    """Wrap every key of the log under a new key-encryption key, while the hub runs: --prepare, copy, rotate-kek, --forget (deploy/secured.md)."""
    house = house_of(home)
    renewal, kept = LogKekRenewal(house), house.settings.log_key_encryption
    if prepare:
        made = renewal.prepare(name)
        out.print(
            f"{made} is ready and wraps nothing yet. Back up {kept} and give a copy to the key service and the hub's other processes; "
            "then: rotate-kek."
        )
    elif forget:
        renewal.forget(forget)
        out.print(f"{forget} is gone. Replace the copies and the backup, too.")
    else:
        used, count = renewal.rotate(name)
        out.print(
            f"{count} keys of the log were wrapped anew, all are under {used}. When every copy is the newest, destroy the old one: "
            "rotate-kek --forget NAME."
        )
