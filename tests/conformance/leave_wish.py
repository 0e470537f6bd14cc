"""Leaves a wish for the running Java adapter, as its own `act` does, without waiting for a second virtual machine."""

import os
import sys
import time
from pathlib import Path


def main() -> None:
    home = Path(sys.argv[1])
    (home / "wishes").mkdir(exist_ok=True)
    half = home / f"wish-{time.monotonic_ns():020d}"
    half.write_text(sys.stdin.read())
    os.replace(half, home / "wishes" / half.name.removeprefix("wish-"))  # noqa: PTH105 - atomic, as in Java


if __name__ == "__main__":
    main()
