"""The rules that each request passes before anything is read: who may ask, from which page, and with which headers.

A browser sends a page of another site to us with our cookies, and a name that its owner points to 127.0.0.1 reaches a
page that listens there. So `Host` is compared with the hosts that are served, `Origin` with `Host`, and a form carries
a token that only our own pages have.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Collection, Mapping
from hashlib import sha256
from http.cookies import CookieError, SimpleCookie

from backstory.errors import BackstoryError

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


class Forbidden(BackstoryError):
    """The request comes from somewhere, or from somebody, that may not make it."""


def check_host(host: str, allowed: Collection[str] | None) -> None:
    """Raise `Forbidden` for a host that is not served; None: the application around this one has looked."""
    if allowed is not None and host not in allowed:
        raise Forbidden("this address is not served under that host name")


def check_origin(headers: Mapping[str, str], host: str) -> None:
    """Raise `Forbidden` if the request says that a page of another site made it."""
    origin, site = headers.get("origin"), headers.get("sec-fetch-site")
    ours = origin is None or origin.partition("://")[2] == host
    if origin == "null":  # of our own forms, too, because pages tell nobody their address
        ours = site == "same-origin"
    if site not in (None, "none", "same-origin"):
        ours = ours and origin is None and headers.get("sec-fetch-mode") == "navigate"  # a link that was sent
    if not ours:
        raise Forbidden("the request comes from a page of another site")


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
