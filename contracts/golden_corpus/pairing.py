"""Pairing codes and derived subjects for those who write their own adapter: what is typed, what follows from it, and what does not hold."""

from contracts.derived_subject import Scheme, derive_subject
from contracts.golden_corpus.actors import ADVICE, PROGRAMME, SUBJECT
from contracts.pairing import NONCE_BYTES, RANDOM_BYTES, meeting_of, new_code, read_code, wrap, written

_RANDOM = bytes(range(1, RANDOM_BYTES + 1))
_NONCE = bytes(range(NONCE_BYTES))
_KEY = bytes(range(32))


def wrapped() -> str:
    """The advice office's subject, left for whoever has the code of this example."""
    return wrap(SUBJECT, meeting=meeting_of(new_code(_RANDOM), PROGRAMME), issuer=ADVICE, nonce=_NONCE)


def document() -> dict[str, object]:
    """`pairing.json`."""
    code = new_code(_RANDOM)
    meeting = meeting_of(code, PROGRAMME)
    typed = (code, written(code), written(code).lower(), code.replace("1", "l").replace("0", "o"), f" {written(code)} ")
    assert all(read_code(one) == code for one in typed)  # noqa: S101 - the corpus must not lie
    return {
        "about": "A code is 19 of Crockford's base32 characters (95 random bits) and a check character (ISO 7064 hybrid, modulus 32). "
        "HKDF-SHA256 of its one spelling, salt `spojka/pairing/v1`, info u16be length ‖ programme, gives 17 bytes (base32, lower case, first 26 "
        "characters: the meeting subject) and 32 bytes (AES-256-GCM key). Additional data: u16be length ‖ meeting subject ‖ u16be length ‖ "
        "issuer; the plaintext is padded with zeros to 64 bytes.",
        "random": _RANDOM.hex(),
        "code": code,
        "written": written(code),
        "typed_alike": list(typed),
        "mistyped": [code[1] + code[0] + code[2:], ("2" if code[0] != "2" else "3") + code[1:], code[:-1], code + "0"],
        "programme": PROGRAMME,
        "meeting_subject": meeting.subject,
        "key": meeting.key.hex(),
        "issuer": ADVICE,
        "issuer_subject": SUBJECT,
        "nonce": _NONCE.hex(),
        "wrapped": wrapped(),
        "derived": {
            "programme_key": _KEY.hex(),
            "scheme": Scheme.PESEL.value,
            "normalised": "44051401359",
            "subject": derive_subject(Scheme.PESEL, "44051401359", programme_key=_KEY),
        },
    }
