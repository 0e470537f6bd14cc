r"""Codes that others publish, checked by form only: whether a code is in an edition is for the mapping that uses it.

Invariants: a code is text, never a number, because leading zeros carry meaning (ISCO `0110` are armed forces, TERYT
`0201011` lies in Lower Silesia; as numbers both become another code or none); it is kept as given, without trimming or
case folding, since signed bytes are never mended. A digit is ASCII: `\d` would also take Arabic-Indic digits, which
other languages' parsers refuse.
"""

from typing import Annotated

from pydantic import StringConstraints

IscoCode = Annotated[str, StringConstraints(strict=True, pattern=r"^(0|0[123]|0[123]1|0[123]10|[1-9][0-9]{0,3})$")]
"""ISCO-08 (ILO): major group (1 digit) to unit group (4 digits); below group 0 only 01, 011, 0110 and so for 02, 03."""

EscoUri = Annotated[
    str,
    StringConstraints(
        strict=True,
        pattern=r"^http://data\.europa\.eu/esco/"
        r"((occupation|skill)/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|isco/C[0-9]{1,4}|isced-f/[0-9]{2,4}|skill/S[0-9.]{1,8})$",
    ),
]
"""ESCO concept URI, with `http` as published: an occupation, a skill, a skill group, an ISCO or an ISCED-F group."""

IscedLevel = Annotated[str, StringConstraints(strict=True, pattern=r"^[0-8]$")]
"""ISCED 2011 (UNESCO) level of attainment: 0 less than primary to 8 doctoral."""

NutsCode = Annotated[str, StringConstraints(strict=True, pattern=r"^[A-Z]{2}[A-Z0-9]{0,3}$")]
"""NUTS (Regulation (EC) 1059/2003): country and up to three levels, `CZ`, `CZ0`, `CZ04`, `CZ042`."""

LauCode = Annotated[str, StringConstraints(strict=True, pattern=r"^[A-Z]{2}_[A-Z0-9]{2,13}$")]
"""Eurostat's LAU with the country before it, since national LAU codes collide: `CZ_562335` (Děčín), `PL_1465088`."""

TerytCode = Annotated[str, StringConstraints(strict=True, pattern=r"^(0[2468]|[12][02468]|3[02])[0-9]{4}[1-9]$")]
"""TERYT TERC of a gmina (GUS): voivodeship (even, to 32), powiat, gmina, kind; 7 digits: `1465088` (Praga-Północ)."""

LanguageCode = Annotated[str, StringConstraints(strict=True, pattern=r"^[a-z]{2}$")]
"""ISO 639-1, lower case."""

CountryCode = Annotated[str, StringConstraints(strict=True, pattern=r"^[A-Z]{2}$")]
"""ISO 3166-1 alpha-2, upper case. Eurostat's `EL` and `UK` are not ISO codes and belong in NUTS codes only."""

AreaCode = NutsCode | LauCode | TerytCode
"""Where a client lives or a service works: whichever of the three the country uses."""
