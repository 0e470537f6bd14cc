"""`python -m hub.entrypoints`: the same as `spojka-hub`."""

from hub.entrypoints.commands import main

main()
