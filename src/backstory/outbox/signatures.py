"""Signatures as Standard Webhooks has them (standardwebhooks.com): HMAC-SHA256 of id, time and body.

    webhook-id: msg_0f3a...
    webhook-timestamp: 1614265330
    webhook-signature: v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=

While a secret is replaced, a message is signed with both, and its receiver accepts either.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import time
from collections.abc import Mapping, Sequence

from backstory.errors import BackstoryError, DefinitionError

PREFIX = "whsec_"

WINDOW = 300.0
"""Seconds that the time of a message may differ from the receiver's clock."""


class WrongSignature(BackstoryError):
    """A message is not from somebody who has the secret, or it is too old."""


def secrets_of(secret: str | Sequence[str]) -> list[bytes]:
    """The bytes of one secret or several, each base64 after `whsec_`. Raises `DefinitionError`, without the secret."""
    texts = [secret] if isinstance(secret, str) else list(secret)
    try:
        found = [base64.b64decode(text.removeprefix(PREFIX), validate=True) for text in texts]
    except (binascii.Error, ValueError):
        found = []
    if not found or not all(found):
        raise DefinitionError(
            f"a secret of webhooks is base64, as in {PREFIX}MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
        )
    return found


def sign(id: str, timestamp: int, body: bytes, secret: str | Sequence[str]) -> str:
    """The value of `webhook-signature`: one signature for each secret."""
    content = f"{id}.{timestamp}.".encode(errors="replace") + body
    return " ".join(_signature(key, content) for key in secrets_of(secret))


def _signature(key: bytes, content: bytes) -> str:
    return "v1," + base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()


def verify(
    headers: Mapping[str, str], body: bytes, secret: str | Sequence[str], *, now: float | None = None
) -> str:
    """For a receiver: the id of a message that was sent by somebody who has one of the secrets, not long ago.

    A message may be sent twice with one id: keep the ids, and pass over an id that is known. Raises `WrongSignature`.
    """
    lower = {name.lower(): value for name, value in headers.items()}
    try:
        id, timestamp = lower["webhook-id"], int(lower["webhook-timestamp"])
        given = lower["webhook-signature"].split(" ")
    except (KeyError, ValueError):
        raise WrongSignature(
            "the message has no webhook-id, webhook-timestamp and webhook-signature"
        ) from None
    clock = time.time() if now is None else now
    if not clock - WINDOW <= timestamp <= clock + WINDOW:
        raise WrongSignature(f"the message is more than {WINDOW:.0f} s old, or from the future")
    for right in sign(id, timestamp, body, secret).split(" "):
        if any(hmac.compare_digest(right.encode(), one.encode(errors="replace")) for one in given):
            return id
    raise WrongSignature("no signature of the message is that of a secret which is known here")
