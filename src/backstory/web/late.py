"""The answer to a question that reads much, step by step.

A result that is there at once is an answer like any other, with its own status. Of one that takes longer, the frame of
the page is sent first, then how far it is, then the page. It is given up when the reader leaves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, TypeVar

import anyio
from anyio import to_thread
from starlette.responses import Response

from backstory.web.answering import failed, page_as
from backstory.web.ask import Ask
from backstory.web.guard import HEADERS
from backstory.web.page import SILENT, Page, Progress, Slow
from backstory.web.rendering import rendered, shell

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send


T = TypeVar("T")


class Late(Response):
    """A response that is made while it is sent."""

    media_type = "text/html"

    def __init__(self, ask: Ask, answer: Slow, *, as_json: bool) -> None:
        super().__init__(headers=dict(HEADERS))
        del self.headers["content-length"]
        self._ask, self._answer, self._as_json = ask, answer, as_json
        self._turn = anyio.Lock()
        self._after = ""
        self._is_begun = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Make it, and send it; see the specification of ASGI."""
        steps = self._ask.reader.scope.each(self._answer.steps)
        async with anyio.create_task_group() as group:
            group.start_soon(_until_gone, receive, group.cancel_scope)
            if not self._as_json:
                group.start_soon(self._begin_soon, send)
            while isinstance(step := await self._next(steps), Progress):
                if not self._as_json:
                    async with self._turn:
                        await self._begin(send)
                        if self._is_begun:
                            await self._send(send, await self._progress(step))
            async with self._turn:
                await self._end(step, scope, receive, send)
            group.cancel_scope.cancel()

    async def _next(self, steps: Iterator[Progress | Page]) -> Progress | Page | Exception:
        """The next step, or what went wrong, in a thread of few: between two steps, other questions have their turn."""
        try:
            step = await to_thread.run_sync(next, steps, None, limiter=self._ask.site.long_threads)
        except Exception as error:  # noqa: BLE001 - each becomes a page that says what was wrong
            return error
        assert step is not None  # the last one is a page
        return step

    async def _begin_soon(self, send: Send) -> None:
        await anyio.sleep(SILENT)
        async with self._turn:
            await self._begin(send)

    async def _begin(self, send: Send) -> None:
        """Send the frame, if nothing was sent."""
        if self._is_begun:
            return
        try:
            before, self._after = await self._made(lambda: shell(self._ask, self._answer))
        except Exception:  # noqa: BLE001 - the steps meet the same, and say it
            return
        self._is_begun = True
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        await self._send(send, before)

    async def _end(self, last: Page | Exception, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the page, or what was wrong: whole, or as the rest of what was sent before. It hides the progress."""
        if self._is_begun:
            await self._send(send, await self._made(lambda: self._rest(last)), more=False)
            return
        self._is_begun = True
        response = await self._made(lambda: self._whole(last))
        for cookie in self.headers.getlist("set-cookie"):
            response.headers.append("set-cookie", cookie)
        await response(scope, receive, send)

    def _whole(self, last: Page | Exception) -> Response:
        if isinstance(last, Exception):
            return failed(last, self._ask, as_json=self._as_json)
        try:
            return page_as(self._ask, last, as_json=self._as_json)
        except Exception as error:  # noqa: BLE001 - of what the page shows
            return self._whole(error)

    def _rest(self, last: Page | Exception) -> str:
        if isinstance(last, Exception):
            page = bytes(failed(last, self._ask, as_json=False).body).decode()
            return page.partition("<main")[2].partition(">")[2].partition("</main>")[0] + self._after
        try:
            return rendered(self._ask, last, part=True) + self._after
        except Exception as error:  # noqa: BLE001 - of what the page shows
            return self._rest(error)

    async def _progress(self, step: Progress) -> str:
        values = {"step": step, "stop": step.stop or self._answer.stop}
        page = Page("progress.html", self._answer.title, {}, values=values)
        return await self._made(lambda: rendered(self._ask, page, part=True))

    async def _made(self, make: Callable[[], T]) -> T:
        """The text that is made of a step, in a thread and as the reader may see it."""

        def seen() -> T:
            with self._ask.reader.scope.applied():
                return make()

        return await to_thread.run_sync(seen, limiter=self._ask.site.threads)

    @staticmethod
    async def _send(send: Send, text: str, *, more: bool = True) -> None:
        await send({"type": "http.response.body", "body": text.encode(), "more_body": more})


async def _until_gone(receive: Receive, scope: anyio.CancelScope) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    scope.cancel()
