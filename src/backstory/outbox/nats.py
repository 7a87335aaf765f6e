"""NATS: each event as a message to a subject, through the library nats-py."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Coroutine, Sequence
from importlib import import_module
from typing import Any

from backstory.errors import DefinitionError
from backstory.forks import on_fork
from backstory.outbox.message import Events, Message, Outbox
from backstory.place import After
from backstory.told import extra

TIMEOUT = 15.0
"""Seconds for one batch to be taken by the server."""

UNFIT = re.compile(r"[\s*>]")
"""Characters that may not stand in a subject."""


class Nats(Outbox):
    """Publishes each event to `subject`, in which `{type}` is its type and `{key}` the value of its partition field.

    The server has taken a message before it counts as sent. With `jetstream`, a stream must have stored it, and knows
    by the header `Nats-Msg-Id` what comes twice. `options` go to `nats.connect`. Needs the extra `nats`.
    """

    batch = 100

    def __init__(
        self,
        name: str,
        servers: str | Sequence[str] = "nats://localhost:4222",
        *,
        subject: str,
        events: Events = (),
        partition: str | None = None,
        after: After | None = None,
        attempts: int = 20,
        source: str | None = None,
        jetstream: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(
            name, events=events, partition=partition, after=after, attempts=attempts, source=source
        )
        try:
            subject.format(type="", key="")
        except (KeyError, IndexError, ValueError):
            raise DefinitionError(
                f"{name}: a subject has no other placeholders than {{type}} and {{key}}"
            ) from None
        extra("nats", "Nats", "nats")
        self._servers = [servers] if isinstance(servers, str) else list(servers)
        self._subject = subject
        self._jetstream = jetstream
        self._options = options
        self._begin()
        on_fork(child=self._begin)

    def _begin(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._client: Any = None

    def subject_of(self, message: Message) -> str:
        """The subject of a message."""
        return UNFIT.sub("_", self._subject.format(type=message.type, key=message.key or "_"))

    def send(self, messages: Sequence[Message]) -> None:
        """See `Outbox.send`."""
        self._run(self._published(messages))

    async def _published(self, messages: Sequence[Message]) -> None:
        if self._client is None:
            connect = import_module("nats").connect
            self._client = await connect(self._servers, allow_reconnect=False, **self._options)
        try:
            publish = self._client.jetstream().publish if self._jetstream else self._client.publish
            for message in messages:
                headers = {"Nats-Msg-Id": message.id, "content-type": "application/cloudevents+json"}
                await publish(self.subject_of(message), message.body, headers=headers)
            await self._client.flush(TIMEOUT)
        except BaseException:
            client, self._client = self._client, None
            await client.close()
            raise

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        """Run this in the loop of the connection, which has a thread of its own."""
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            threading.Thread(target=_run, args=(self._loop,), name="backstory nats", daemon=True).start()
        asyncio.run_coroutine_threadsafe(asyncio.wait_for(work, TIMEOUT), self._loop).result()

    def close(self) -> None:
        """See `Outbox.close`."""
        loop, client, self._loop, self._client = self._loop, self._client, None, None
        if loop is None:
            return
        if client is not None:
            asyncio.run_coroutine_threadsafe(client.close(), loop).result(TIMEOUT)
        loop.call_soon_threadsafe(loop.stop)


def _run(loop: asyncio.AbstractEventLoop) -> None:
    try:
        loop.run_forever()
    finally:
        loop.close()
