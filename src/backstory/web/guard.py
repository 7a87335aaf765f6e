"""Rules of the pages beside those of `backstory.hosts`: the headers of answers, and a form's token.

A form carries a token that only our own pages have, because a browser sends a page of another site to us with our
cookies.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping
from hashlib import sha256
from http.cookies import CookieError, SimpleCookie

from backstory.hosts import Forbidden

CSP = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)

HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": CSP,
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Vary": "Accept, Cookie",
}
"""The headers of every answer: a browser keeps no page, runs no script but ours, and tells no other site its address.

Our own pages are told it: without that, a browser says of a form of ours that it comes from `Origin: null`.
"""

FORM_COOKIE = "backstory-form"
"""The cookie that the token of a form belongs to."""


def new_form_key() -> str:
    """A new value for the cookie of forms."""
    return secrets.token_urlsafe(24)


def form_token(secret: bytes, key: str, reader: str) -> str:
    """The token of forms for a reader whose browser has this cookie."""
    return hmac.new(secret, f"{key}\n{reader}".encode(), sha256).hexdigest()


def check_form(secret: bytes, key: str, reader: str, given: str) -> None:
    """Raise `Forbidden` if a form was not made by a page of ours for this reader."""
    if not key or not hmac.compare_digest(form_token(secret, key, reader).encode(), given.encode()):
        raise Forbidden(
            "this form is not from a page that is open here; load the page again, and send it once more"
        )


def cookie_of(header: str, name: str) -> str:
    """The value of a cookie; empty if there is none."""
    try:
        cookies = SimpleCookie(header)
    except CookieError:
        return ""
    return cookies[name].value if name in cookies else ""


def set_cookie(name: str, value: str, path: str, *, secure: bool) -> str:
    """The header that sets a cookie for this path alone, which no script reads and no other site sends."""
    return f"{name}={value}; Path={path or '/'}; HttpOnly; SameSite=Strict{'; Secure' if secure else ''}"
