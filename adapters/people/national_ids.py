"""Whether a PESEL or a rodné číslo can be one, and its one spelling.

Invariants: nothing is derived from a number that fails; the number stands in no error, log or table. python-stdnum checks form, date and check digit;
its `cz.rc` lets pass months 41 to 49 and 91 to 99, and the +20 of serial overflow before 2004, so those are checked here (STANDARDS, national ids).
"""

from datetime import date
from typing import Final

from stdnum.cz import rc
from stdnum.exceptions import InvalidChecksum, InvalidComponent, InvalidLength, ValidationError
from stdnum.pl import pesel

from adapters.errors import AdapterError
from contracts.derived_subject import Scheme

_LAST_WITHOUT_CHECK: Final = 1985
"""Until then a remainder of 10 was given out with the digit 0."""
_OVERFLOW_SINCE: Final = 2004
_OVERFLOW_MONTHS: Final = frozenset({*range(21, 33), *range(71, 83)})
_MONTHS: Final = frozenset({*range(1, 13), *range(51, 63)}) | _OVERFLOW_MONTHS
_OLD_DIGITS: Final = 9


class NationalIdError(AdapterError):
    """The number cannot be one of its scheme. `fault` is `digits`, `length`, `date` or `check`."""

    def __init__(self, scheme: Scheme, fault: str) -> None:
        super().__init__(f"This is no {scheme.value}: {_FAULTS[fault]}", advice="Copy it again from the document.")
        self.scheme = scheme
        self.fault = fault


_FAULTS: Final = {
    "digits": "it has other characters than digits",
    "length": "it has too few or too many digits",
    "date": "its digits give no date of birth",
    "check": "the check digit does not fit",
}


def normalised(scheme: Scheme, number: str) -> str:
    """The number in its one spelling, digits only. Raises `NationalIdError`."""
    match scheme:
        case Scheme.PESEL:
            return _checked(scheme, number)
        case Scheme.RODNE_CISLO:
            digits = _checked(scheme, number)
            fault = _month_fault(digits) or _remainder_fault(digits)
            if fault is not None:
                raise NationalIdError(scheme, fault)
            return digits


def birth_date(scheme: Scheme, number: str) -> date:
    """The date of birth that a valid number tells. Raises `NationalIdError`."""
    digits = normalised(scheme, number)
    return pesel.get_birth_date(digits) if scheme is Scheme.PESEL else rc.get_birth_date(digits)


def _checked(scheme: Scheme, number: str) -> str:
    try:
        return pesel.validate(number) if scheme is Scheme.PESEL else rc.validate(number)
    except InvalidLength:
        fault = "length"
    except InvalidComponent:
        fault = "date"
    except InvalidChecksum:
        fault = "check"
    except ValidationError:
        fault = "digits"
    raise NationalIdError(scheme, fault)


def _month_fault(digits: str) -> str | None:
    month = int(digits[2:4])
    if month not in _MONTHS:
        return "date"
    overflows = month in _OVERFLOW_MONTHS
    if overflows and (len(digits) == _OLD_DIGITS or rc.get_birth_date(digits).year < _OVERFLOW_SINCE):
        return "date"
    return None


def _remainder_fault(digits: str) -> str | None:
    """The digit 0 stands for a remainder of 10 only in numbers of people born up to 1985."""
    exact = len(digits) == _OLD_DIGITS or int(digits[:-1]) % 11 == int(digits[-1])
    return None if exact or rc.get_birth_date(digits).year <= _LAST_WITHOUT_CHECK else "check"
