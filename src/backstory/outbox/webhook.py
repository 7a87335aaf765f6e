"""Webhooks: each event as a signed request to somebody's server."""

from __future__ import annotations

import http.client
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import SplitResult, urlsplit

from backstory.errors import BackstoryError, DefinitionError
from backstory.outbox.addresses import connected
from backstory.outbox.message import Events, Later, Message, Outbox, StopSending
from backstory.outbox.signatures import secrets_of, sign
from backstory.place import After

TOLD = 200
"""Bytes of an answer that are kept as the reason."""

GONE = 410
"""The status of a receiver that wants no more messages."""

WAITS = (429, 503)
"""The statuses that may say when to come again."""

WRITTEN = re.compile("[!-~]+")
"""Characters of an address as a request has it; others are percent-encoded, or punycode in a host."""

LONGEST = 86_400.0
"""Seconds for which a receiver may put a message off, at most."""


class Webhook(Outbox):
    """Sends each event to an address, as a CloudEvent that is signed as Standard Webhooks says.

    `secret` is base64 after `whsec_`, or several of these while one is replaced. Four requests run at a time, each for
    at most `timeout` seconds; a redirect is not followed. The status 410 stops it for good, 429 and 503 are waited for
    as long as they say.

    Addresses inside of a network are refused, also where a name leads to one, and so is `http:`; `private=True` allows
    both. Raises `DefinitionError`.
    """

    threads = 4

    def __init__(
        self,
        name: str,
        url: str,
        *,
        secret: str | Sequence[str],
        events: Events = (),
        partition: str | None = None,
        after: After | None = None,
        attempts: int = 20,
        source: str | None = None,
        timeout: float = 15.0,
        private: bool = False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(
            name, events=events, partition=partition, after=after, attempts=attempts, source=source
        )
        secrets_of(secret)
        parts = _parts(name, url, private=private)
        self._secure = parts.scheme == "https"
        self._host, self._port = parts.hostname or "", parts.port or (443 if self._secure else 80)
        self._target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._netloc = parts.netloc
        self._secret = secret
        self._timeout = timeout
        self._private = private
        self._clock = clock

    def send(self, messages: Sequence[Message]) -> None:
        """See `Outbox.send`."""
        for message in messages:
            status, retry_after, told = self._posted(message)
            if 200 <= status < 300:
                continue
            why = f"{self._host} answered {status}{f': {told}' if told else ''}"
            if status == GONE:
                raise StopSending(why)
            if status in WAITS and (seconds := self._seconds(retry_after)) is not None:
                raise Later(seconds, why)
            raise BackstoryError(why)

    def _posted(self, message: Message) -> tuple[int, str | None, str]:
        """The status of the answer, its `Retry-After`, and the beginning of its text."""
        timestamp = int(self._clock())
        headers = {
            "Host": self._netloc,
            "Content-Type": "application/cloudevents+json; charset=utf-8",
            "User-Agent": "backstory",
            "webhook-id": message.id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": sign(message.id, timestamp, message.body, self._secret),
        }
        connection = http.client.HTTPConnection(self._host, self._port)
        until = time.monotonic() + self._timeout
        opened = self._wrapped(connected(self._host, self._port, self._timeout, private=self._private))
        with opened, closing(connection), _cut_off(opened, until, self._timeout):
            if isinstance(opened, ssl.SSLSocket):
                opened.do_handshake()
            connection.sock = opened
            connection.request("POST", self._target, message.body, headers)
            answer = connection.getresponse()
            told = answer.read(TOLD).decode(errors="replace")
        return answer.status, answer.getheader("Retry-After"), " ".join(told.split())

    def _wrapped(self, plain: socket.socket) -> socket.socket:
        if not self._secure:
            return plain
        context = ssl.create_default_context()
        return context.wrap_socket(plain, server_hostname=self._host, do_handshake_on_connect=False)

    def _seconds(self, text: str | None) -> float | None:
        """What `Retry-After` says: seconds, or a date."""
        if text is None:
            return None
        try:
            seconds = float(text) if text.strip().isdigit() else self._until(text)
        except (ValueError, TypeError):
            return None
        return min(max(seconds, 0.0), LONGEST)

    def _until(self, text: str) -> float:
        found = parsedate_to_datetime(text)
        return (found - datetime.fromtimestamp(self._clock(), UTC)).total_seconds()


def _parts(name: str, url: str, *, private: bool) -> SplitResult:
    """The parts of an address. Raises `DefinitionError`, which does not show it: it may have a password."""
    wrong = DefinitionError(
        f"webhook {name}: an address is https://..., or http:// too with private=True, in ASCII and with no space"
    )
    try:
        parts = urlsplit(url)
        is_fit = WRITTEN.fullmatch(url) and parts.hostname and parts.port != 0
    except ValueError:
        raise wrong from None
    if not is_fit or parts.scheme not in (("https", "http") if private else ("https",)):
        raise wrong
    if "@" in parts.netloc:
        raise DefinitionError(
            f"webhook {name}: an address has no user and no password: the signature says who sends"
        )
    return parts


@contextmanager
def _cut_off(connection: socket.socket, until: float, timeout: float) -> Iterator[None]:
    """Let a block use a connection for so long, however slowly the other side goes on. Raises `TimeoutError`."""
    over = threading.Event()

    def cut() -> None:
        over.set()
        with suppress(OSError):
            socket.socket.shutdown(connection, socket.SHUT_RDWR)  # that of TLS would forget that there is TLS

    timer = threading.Timer(max(0.0, until - time.monotonic()), cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    except (OSError, http.client.HTTPException):
        if not over.is_set():
            raise
    finally:
        timer.cancel()
        timer.join()
    if over.is_set():  # the end of a connection may look like that of an answer
        raise TimeoutError(f"no whole answer in {timeout:g} s")
