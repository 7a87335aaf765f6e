"""The rules that a request over HTTP passes before anything is read: to which host, from which page, with which token.

A browser sends a page of another site to us with our cookies, and a name that its owner points to 127.0.0.1 reaches a
page that listens there. So `Host` is compared with the hosts that are served, and `Origin` with `Host`.
"""

from __future__ import annotations

import hmac
from collections.abc import Collection, Mapping

from backstory.errors import BackstoryError

LOOPBACK = "127.0.0.1"


class Forbidden(BackstoryError):
    """The request comes from somewhere, or from somebody, that may not make it."""


def on_loopback(port: int) -> tuple[str, ...]:
    """The hosts under which a server on this machine alone is reached."""
    return f"{LOOPBACK}:{port}", f"localhost:{port}"


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


def has_token(headers: Mapping[str, str], token: str) -> bool:
    """Whether a request has the header `Authorization: Bearer TOKEN`."""
    scheme, _, given = headers.get("authorization", "").partition(" ")
    return scheme.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), token.encode())
