"""The content of a message, sealed and opened.

Invariants: sealing changes nothing but the form of `data.sealed`; what was sealed already, or seals nothing, stays as it is; what is opened is judged
by the type's own schema (`contracts.envelope.open_clear`), as content in clear is.
"""

import json
from typing import Final

from contracts import strict_json
from contracts.envelope import Message, parse, parse_attributes
from contracts.errors import ContractsError
from contracts.facts import Clear, Jwe
from contracts.sealing.content_key import ContentKey, message_key, message_key_for
from contracts.sealing.jwe import JweError, kid_of, open_sealed, seal

_BOUND: Final = ("programme", "source", "subject", "type", "id")
"""Attributes from which a message key follows."""
_ADVICE: Final = "Tell the author: the content is not what its type says."


def sealed_under(message: Message) -> str | None:
    """The id of the content key under which the message's content is sealed; None where nothing is. Raises `JweError`."""
    return kid_of(message.data.sealed.jwe) if isinstance(message.data.sealed, Jwe) else None


def seal_content(raw: bytes, key: ContentKey, *, nonce: bytes | None = None) -> bytes:
    """The message with its content sealed under a key of its scope, ready to be signed. Raises `EnvelopeError`, `MessageError`."""
    attributes, document = parse_attributes(raw)
    data = document.get("data")
    sealed = data.get("sealed") if isinstance(data, dict) else None
    if not isinstance(data, dict) or not isinstance(sealed, dict) or sealed.get("form") != "clear":
        return raw
    plaintext = strict_json.canonical(sealed["content"])
    jwe = seal(plaintext, message_key(key, attributes), kid=key.key_id, nonce=nonce)
    data["sealed"] = {"form": "jwe", "jwe": jwe}
    written = strict_json.canonical(document)
    parse(written)
    return written


def seal_composed(raw: bytes, key: ContentKey, *, nonce: bytes | None = None) -> bytes:
    """As `seal_content`, of a document that `compose` or `parse` has judged just now: it is not judged again, which is most of the work."""
    document = json.loads(raw)
    sealed = document["data"].get("sealed")
    if sealed is None or sealed["form"] != "clear":
        return raw
    derived = message_key_for(key, *(document.get(name, "") for name in _BOUND))
    jwe = seal(strict_json.canonical(sealed["content"]), derived, kid=key.key_id, nonce=nonce)
    document["data"]["sealed"] = {"form": "jwe", "jwe": jwe}
    return strict_json.canonical(document)


def open_content(message: Message, key: ContentKey) -> Message:
    """The message with its content in clear form, by a content key. Raises `JweError`."""
    return open_with_message_key(message, message_key(key, message))


def open_with_message_key(message: Message, opened_by: bytes) -> Message:
    """The message with its content in clear form, by the key of this one message. Raises `JweError`."""
    sealed = message.data.sealed
    if not isinstance(sealed, Jwe):
        return message
    plaintext = open_sealed(sealed.jwe, opened_by)
    try:
        content = Clear.model_validate({"content": strict_json.parse(plaintext)})
    except (ContractsError, ValueError) as error:
        raise JweError("what was sealed is no JSON object", advice=_ADVICE) from error
    return message.model_copy(update={"data": message.data.model_copy(update={"sealed": content})})
