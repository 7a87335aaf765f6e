"""The ASGI application: from a request to the page or the action that answers it, and from there to bytes."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection
from contextlib import nullcontext
from datetime import tzinfo
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

from anyio import to_thread
from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response

from backstory.hosts import Forbidden, check_host, check_origin
from backstory.web import actions, pages
from backstory.web.answering import attached, failed, page_as
from backstory.web.ask import DOTS, Ask, BadParameter, Busy, NotFound
from backstory.web.guard import (
    FORM_COOKIE,
    HEADERS,
    check_form,
    cookie_of,
    form_token,
    new_form_key,
    set_cookie,
)
from backstory.web.late import Late
from backstory.web.page import Attached, Elsewhere, Page, Slow
from backstory.web.site import WAITING, Site
from backstory.web.static import file

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from backstory.application import Application
    from backstory.database import Database
    from backstory.web.page import Answer
    from backstory.web.reader import Actor, Reader

SUFFIX = ".json"
"""An address that ends so is answered as JSON, as one that is asked for with `Accept: application/json`."""

LARGEST_FORM = 1_000_000
"""Bytes of a form at most."""

MOST_FIELDS = 1_000
"""Fields of a form at most."""


def app(
    db: Database,
    application: Application | None = None,
    *,
    actor: Actor,
    name: str | None = None,
    address: str = "",
    hosts: Collection[str] | None = None,
    zone: tzinfo | None = None,
    secret: bytes | None = None,
) -> Browser:
    """The history browser of a database, as an ASGI application to mount under any prefix.

    `actor` gets each request and says who makes it: a `Reader`, or None for nobody (403). It may be a coroutine. `name`
    and `address` are what pages call the store, and how the command lines on them name it. `hosts` are those under
    which it may be reached, with their ports; leave it out where the application around it checks `Host`. Times are of
    `zone`, that of this machine if it is left out. Several processes that serve one site share `secret`, 32 bytes.
    """
    return Browser(Site(db, application, actor, name=name, address=address, zone=zone, secret=secret), hosts)


class Browser:
    """The history browser as an ASGI application."""

    def __init__(self, site: Site, hosts: Collection[str] | None) -> None:
        self.site = site
        self._hosts = None if hosts is None else frozenset(hosts)

    async def close(self) -> None:
        """End the live pages, which wait for ever: a server that stops calls this before it waits for its answers."""
        await self.site.streams.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request; see the specification of ASGI."""
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        as_json = "application/json" in request.headers.get("accept", "")
        ask, prefix = None, ""
        try:
            prefix, path = _address(scope)
            host = request.headers.get("host", "")
            check_host(host, self._hosts)
            check_origin(request.headers, host)
            if path[:1] == ["static"]:
                response: Response = file(path[1:])
            else:
                if path and path[-1].endswith(SUFFIX) and not scope["raw_path"].lower().endswith(b"%2ejson"):
                    path[-1], as_json = path[-1].removesuffix(SUFFIX), True
                path = [part[1:] if part[:1] == "~" and DOTS.fullmatch(part) else part for part in path]
                key = cookie_of(request.headers.get("cookie", ""), FORM_COOKIE)
                reader = await self._reader(request)
                new_key = "" if key else new_form_key()
                token = form_token(self.site.secret, key or new_key, reader.name)
                ask = Ask(self.site, reader, prefix, path, request.query_params, token)
                response = await self._answered(request, ask, key, as_json=as_json)
                if new_key:
                    secure = request.url.scheme == "https"
                    response.headers.append(
                        "set-cookie", set_cookie(FORM_COOKIE, new_key, prefix, secure=secure)
                    )
        except ClientDisconnect:
            return
        except Exception as error:  # noqa: BLE001 - each becomes a page that says what was wrong
            wrong = partial(_failed, error, ask, as_json=as_json, prefix=prefix)
            response = wrong() if ask is None else await to_thread.run_sync(wrong, limiter=self.site.threads)
        await response(scope, receive, send)

    async def _reader(self, request: Request) -> Reader:
        found = self.site.actor(request)
        reader = await found if inspect.isawaitable(found) else found
        if reader is None or "read" not in reader.may:
            raise Forbidden("you may not read this history: it does not know you, or you have no right to it")
        return reader

    async def _answered(self, request: Request, ask: Ask, key: str, *, as_json: bool) -> Response:
        threads = self.site.threads
        if request.method in ("GET", "HEAD"):
            if ask.path == ["live"] and request.method == "GET":
                last = request.headers.get("last-event-id", "")
                return await to_thread.run_sync(ask.site.streams.answer, ask, last, limiter=threads)
            page = pages.find(ask)
            return await to_thread.run_sync(lambda: _seen(ask, page, as_json=as_json), limiter=threads)
        if request.method != "POST":
            raise NotFound(f"{request.method} is not a method that this page has")
        form = await _form(request)
        check_form(self.site.secret, key, ask.reader.name, str(form.get("token", "")))
        action, threads = actions.find(ask, form), self.site.action_threads
        if threads.statistics().tasks_waiting >= WAITING:
            raise Busy(
                "the store takes no more changes at the moment: nothing was done; try again in a minute"
            )
        return await to_thread.run_sync(lambda: _seen(ask, action, as_json=as_json), limiter=threads)


def _seen(ask: Ask, work: Callable[[], Answer], *, as_json: bool) -> Response:
    """The answer as the reader may see it: fields that their scope hides are withheld in all of it."""
    with ask.reader.scope.applied():
        answer = work()
        match answer:
            case Elsewhere():
                return RedirectResponse(answer.url, 303, headers=dict(HEADERS))
            case Attached():
                return attached(answer)
            case Slow():
                return Late(ask, answer, as_json=as_json)
            case Page():
                return page_as(ask, answer, as_json=as_json)


def _failed(error: Exception, ask: Ask | None, *, as_json: bool, prefix: str) -> Response:
    with nullcontext() if ask is None else ask.reader.scope.applied():
        return failed(error, ask, as_json=as_json, prefix=prefix)


def _address(scope: Any) -> tuple[str, list[str]]:
    """The prefix under which the application is mounted, and the parts of the path after it, decoded one by one.

    They are taken from the path as it was sent: a part may hold an encoded slash.
    """
    prefix = quote(scope.get("root_path", "").rstrip("/"))
    raw = scope.get("raw_path") or quote(scope["path"]).encode()
    path = raw.decode("ascii", "replace").partition("?")[0]
    if prefix and unquote(path).startswith(unquote(prefix)):
        path = "/".join(path.split("/")[prefix.count("/") + 1 :])
    parts = [unquote(part, errors="strict") for part in path.strip("/").split("/") if part]
    return prefix, parts


async def _form(request: Request) -> dict[str, str | list[str]]:
    """The fields of a form; a field that is sent more than once is a list."""
    from urllib.parse import parse_qsl

    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_FORM:
            raise Forbidden(f"a form has at most {LARGEST_FORM:,} bytes")
    fields: dict[str, str | list[str]] = {}
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=MOST_FIELDS)
    except ValueError as wrong:
        raise BadParameter(f"this is not a form of at most {MOST_FIELDS:,} fields") from wrong
    for name, value in pairs:
        known = fields.get(name)
        fields[name] = value if known is None else [*([known] if isinstance(known, str) else known), value]
    return fields
