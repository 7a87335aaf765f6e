"""The database of an application of Flask, and the author of what each of its contexts writes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar, Token
from functools import partial
from os import PathLike
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from flask import (
    Response,
    appcontext_popped,
    appcontext_pushed,
    current_app,
    g,
    has_request_context,
    request,
)
from werkzeug.datastructures import Headers

from backstory.contrib.flask.asked import Asked, plain
from backstory.contrib.flask.opening import SETTING, Opening, Openings
from backstory.contrib.flask.streaming import Stream, Streams
from backstory.contrib.http.atonce import AtOnce, at_once
from backstory.contrib.http.events import HEADERS, MEDIA_TYPE, told
from backstory.contrib.http.exchange import Follow
from backstory.contrib.http.served import Served
from backstory.decide.context import begin, context, end, user_of_machine
from backstory.errors import BackstoryError

if TYPE_CHECKING:
    from flask import Flask

    from backstory.contrib.http import exchange
    from backstory.contrib.http.exchange import Answered, Handler
    from backstory.database import Database

View: TypeAlias = Callable[..., Response]

ID = "backstory.correlation"
"""Where a request keeps its id, once it has one."""

_blocks: ContextVar[tuple[tuple[Flask, Token[Any]], ...]] = ContextVar("backstory.flask", default=())
"""The blocks of the contexts of applications that are pushed, the innermost last."""


class Backstory(Served[View]):
    """One database for an application, or for each one that a factory makes. It is opened when it is first needed.

    `address` is that of the store, unless the application has `BACKSTORY_ADDRESS` in its configuration. `author` is a
    function without parameters: it names who makes the request, from `session`, `g` or `request`, and every commit
    of the request has that author. Outside of requests, as in `flask shell`, the author is the user of the machine.
    The id of the request is the commits' `correlation`: from the header `correlation`, else that of a W3C trace, else a
    new one. `refusals` gives statuses to codes of `Refused`, `{"empty": 422}`; other refusals are 409. Other options
    are those of `backstory.connect`. Requests of more than `most_bytes` are refused. `most_streams` says how many
    threads of this process may be held by clients that follow what changes; the others come back again and again.
    """

    def __init__(
        self,
        address: str | PathLike[str] | None = None,
        *,
        author: Callable[[], str | None] | None = None,
        correlation: str = "x-request-id",
        refusals: Mapping[str, int] | None = None,
        most_bytes: int = 1_000_000,
        most_streams: int = 0,
        **options: Any,
    ) -> None:
        super().__init__(
            correlation=correlation,
            refusals=refusals,
            most_bytes=most_bytes,
            most_streams=most_streams,
            options=options,
        )
        self.address = address
        self._author = author
        self._openings = Openings()
        self._streams = Streams(most_streams)
        self._views: dict[Any, View] = {}

    def init_app(self, app: Flask) -> None:
        """Answer the errors of the library, and name the author of all that is written in contexts of the application.

        Nothing is opened. Of several applications, each has a database of its own.
        """
        self._openings.add(app)
        app.extensions["backstory"] = self
        app.register_error_handler(BackstoryError, self.failed)
        appcontext_pushed.connect(self._pushed, app)
        appcontext_popped.connect(self._popped, app)

    @property
    def db(self) -> Database:
        """The database of the current application, in a view or in `with app.app_context()`.

        Raises `RuntimeError` where no application is, or one that `init_app` was not told of.
        """
        address = current_app.config.get(SETTING, self.address)
        return self._opening.database(address, self._options)

    @property
    def _opening(self) -> Opening:
        return self._openings.of(cast("Any", current_app)._get_current_object())

    def close(self, app: Flask | None = None) -> None:
        """Close what is open, of all applications or of one: at the end of a test. The next use opens it again."""
        self._openings.close(app)

    def failed(self, error: BackstoryError) -> Response:
        """The answer to an error of the library. Raises the error if it is a fault and no answer."""
        return plain(self._answer_of(error))

    def endpoint(self, answer: Handler) -> View:
        """A view of Flask that answers in the name of the author. The same one for the same, for any number of routes.

        The author is asked for at once, so a function that aborts guards what is read, too.
        """

        def view(**_: Any) -> Response:
            asked = Asked(request, self.most_bytes)
            with context(author=self._who()):
                return self._response(at_once(answer(asked, AtOnce(self.db))))

        view.__name__ = view.__qualname__ = answer.name.replace(".", "_")
        return self._views.setdefault((type(answer), answer.made_of), view)

    def watch(
        self,
        what: Any,
        sql: str = "",
        arguments: Sequence[Any] = (),
        *,
        into: Callable[..., Any] | None = None,
        tags: Sequence[str] = (),
        shown: Callable[[Any], Any] = told,
    ) -> Response:
        """The answer of a view of one's own, for a client that follows what changes: server-sent events.

        `what` is what `Database.watch` takes: a state; events, of which the last one is sent; a projection with `sql`,
        `arguments` and `into`. `shown` makes the value that is sent, as JSON; by itself it masks what is marked. A
        client that comes back names what it saw last (`Last-Event-ID`). See `most_streams`.
        """
        watch: Any = self.db.watch
        asked = (what, sql, arguments) if sql else (what,)
        watched = partial(watch, *asked, **({"into": into} if sql else {"tags": tags}))
        stream = Stream(watched, shown, request.headers.get("last-event-id", ""))
        if not (request.environ.get("wsgi.multithread") and self._streams.hold(stream)):
            return Response(stream.once(), headers=HEADERS, content_type=MEDIA_TYPE)
        response = Response(stream.held(), headers=HEADERS, content_type=MEDIA_TYPE)
        response.call_on_close(partial(self._streams.release, stream))
        return response

    def _response(self, answer: Answered) -> Response:
        return self.watch(answer.state) if isinstance(answer, Follow) else plain(answer)

    def _route(self, request: exchange.Request) -> str:
        assert isinstance(request, Asked)
        return request.route

    async def _secret(self) -> bytes:
        return self._opening.secret(self.db)

    def _pushed(self, app: Flask, **_: Any) -> None:
        _blocks.set((*_blocks.get(), (app, begin(author=self._who, correlation=self._id))))

    def _popped(self, app: Flask, **_: Any) -> None:
        blocks = _blocks.get()
        if blocks and blocks[-1][0] is app:  # a context that was pushed before `init_app` has no block
            _blocks.set(blocks[:-1])
            end(blocks[-1][1])

    def _who(self) -> str:
        """The author of what is written now."""
        if not has_request_context():
            return user_of_machine()
        return "" if self._author is None else self._named(self._author()) or ""

    def _id(self) -> str:
        """The id of the request; outside of requests, that of the application's context."""
        asked = has_request_context()
        given: dict[str, Any] = request.environ if asked else g.__dict__
        if ID not in given:
            given[ID] = self.correlation(request.headers if asked else Headers())
        return str(given[ID])
