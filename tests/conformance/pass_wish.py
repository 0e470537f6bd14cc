"""Passes a wish to whoever waits at a socket, and prints what comes back: a command without a start of its own worth the name."""

import socket
import sys


def main() -> None:
    with socket.socket(socket.AF_UNIX) as line:
        line.connect(sys.argv[1])
        line.sendall(sys.stdin.buffer.read())
        line.shutdown(socket.SHUT_WR)
        with line.makefile("rb") as answer:
            shown = answer.read()
    fault = shown.removeprefix(b"!")
    if fault != shown:
        sys.exit(fault.decode())
    sys.stdout.buffer.write(shown)


if __name__ == "__main__":
    main()
