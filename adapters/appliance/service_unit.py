"""The adapter as a service of the operating system.

Invariant: the service runs as an ordinary user, sees nothing but its own home, and is started again whatever it ended with.
"""

from pathlib import Path
from typing import Final

from jinja2 import Environment, StrictUndefined

_UNIT: Final = """\
# /etc/systemd/system/spojka-adapter.service
#   systemctl daemon-reload && systemctl enable --now spojka-adapter
[Unit]
Description=Spojka adapter
Wants=network-online.target
After=network-online.target

[Service]
ExecStart={{ command }} run --home {{ home }}
User=spojka
Restart=always
RestartSec=5
MemoryMax=400M
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=read-only
PrivateTmp=yes
ReadWritePaths={{ home }}
UMask=0077

[Install]
WantedBy=multi-user.target
"""


def systemd_unit(home: Path, *, command: Path) -> str:
    """The text of a systemd unit (systemd.service(5)) for the adapter in `home`."""
    template = Environment(undefined=StrictUndefined, autoescape=False, keep_trailing_newline=True).from_string(_UNIT)  # noqa: S701 - no HTML
    return template.render(home=home, command=command)
