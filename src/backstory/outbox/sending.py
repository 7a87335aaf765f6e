"""Running an outbox: a subscription of its name, threads that send, and pauses after failures."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING

from msgspec.structs import replace

from backstory.errors import ReactionWarning, StoreClosed, StoreError, StoreRefused
from backstory.forks import on_fork
from backstory.local import store_id
from backstory.outbox.message import Later, Message, Outbox, StopSending
from backstory.projections.catalog import STOPPED
from backstory.projections.source import Source
from backstory.reactions.asked import asking
from backstory.reactions.lanes import Delivery
from backstory.reactions.subscription import Consumer
from backstory.right import why_not
from backstory.told import warn
from backstory.transfer.formats.cloudevents import event_line

if TYPE_CHECKING:
    from typing import Self

FIRST, LONGEST = 1.0, 3_600.0
"""Seconds of the pause after the first failure, and at most: it doubles."""

AWAY = 1.0
"""Seconds until the store is asked again that could not answer."""

MOST_GIVEN = 1_000
"""Messages at a time that are sent, or wait to be sent again."""


class Sending:
    """An outbox that is run here, for the length of a block or until it is told to stop."""

    def __init__(self, outbox: Outbox, source: Source, *, lease: float) -> None:
        self.outbox = outbox
        self.error: BaseException | None = None
        self._source = source
        most = MOST_GIVEN
        asked = asking(outbox.name, outbox.query, outbox.partition, 1, outbox.after, most, lease)
        self._consumer = Consumer(source, asked)
        self._begin()
        on_fork(child=self._begin)
        self._origin = outbox.source or f"urn:uuid:{store_id(source.branches.store)}"

    def _begin(self) -> None:
        self._stop = threading.Event()
        self._news = threading.Event()
        self._turn = threading.Lock()
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Self:
        """Begin in threads of its own. Raises `StoreRefused` if the store does not react."""
        self._consumer.begin()
        for _ in range(self.outbox.threads):
            thread = threading.Thread(
                target=self._in_thread, name=f"backstory {self.outbox.name}", daemon=True
            )
            self._threads.append(thread)
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End after what is being sent, and give the lease back. Raises what went wrong here."""
        self.stop()
        for thread in self._threads:
            thread.join()
        self._threads.clear()
        self._end()
        if self.error is not None:
            raise self.error

    @property
    def has_ended(self) -> bool:
        """Whether one of its threads has ended, because it failed, or because the store was closed."""
        return not all(thread.is_alive() for thread in self._threads)

    def _end(self) -> None:
        with suppress(StoreClosed):
            self._consumer.close()
        self.outbox.close()

    def stop(self) -> None:
        """Tell it to end after what is being sent. Any thread or handler of a signal may call it."""
        self._stop.set()
        self._news.set()

    def _in_thread(self) -> None:
        try:
            self.run()
        except StoreClosed:
            pass
        except BaseException as error:  # noqa: BLE001 - it is raised where the block ends
            self.error = error
            self.stop()

    def run(self, *, once: bool = False) -> None:
        """Send in this thread until `stop`; `once`: until nothing is there that can be sent now."""
        end = self._consumer.watch(self._news.set)
        try:
            while not self._stop.is_set():
                try:
                    batch = self._batch(wait=not once)
                except (StoreClosed, StoreRefused):
                    raise
                except StoreError:  # it may pass
                    if once:
                        raise
                    self._stop.wait(AWAY)
                    continue
                if not batch and once:
                    break
                if batch:
                    (self._send_in_order if self.outbox.in_order else self._send)(batch)
        finally:
            end()
        if once:
            self._end()

    def _batch(self, *, wait: bool) -> list[Delivery]:
        """The messages to send now; there may be none, after a pause."""
        with self._turn:
            self._news.clear()
            found = list(islice(self._consumer.take(), self.outbox.batch))
            if not found and wait and not self._stop.is_set():
                self._news.wait(self._consumer.pause())
            return found

    def _send(self, batch: Sequence[Delivery]) -> None:
        try:
            self.outbox.send([self._message(each) for each in batch])
        except Later as later:
            for each in batch:
                each.later(later.seconds)
        except StopSending as told:
            self._stopped(str(told))
        except Exception as error:  # noqa: BLE001 - whatever it is, it is tried again
            for each in batch:
                self._failed(each, error)
        else:
            for each in batch:
                each.done()

    def _send_in_order(self, batch: Sequence[Delivery]) -> None:
        messages, pause = [self._message(each) for each in batch], FIRST
        while not self._stop.is_set():
            try:
                self.outbox.send(messages)
            except Later as later:
                self._stop.wait(later.seconds)
            except StopSending as told:
                self._stopped(str(told))
                return
            except Exception:  # noqa: BLE001 - whatever it is, it is tried again
                self._stop.wait(pause)
                pause = min(2 * pause, LONGEST)
            else:
                for each in batch:
                    each.done()
                return

    def _failed(self, each: Delivery, error: Exception) -> None:
        if each.tries + 1 >= self.outbox.attempts:
            each.park(f"{type(error).__name__}: {error}")
        else:
            each.later(min(FIRST * 2**each.tries, LONGEST))

    def _stopped(self, why: str) -> None:
        self._consumer.change(lambda at: replace(at, state=STOPPED, why=why))

    def _message(self, each: Delivery) -> Message:
        record = each.record
        body = event_line(record.commit, record.stored, self._origin)
        return Message.of(record.type, record.commit.authored, each.key, body)


def sendings(outboxes: Iterable[Outbox], source: Source, lease: float) -> list[Sending]:
    """A sending for each outbox; none, with a `ReactionWarning`, in a store that has not the right to react."""
    every = list(outboxes)
    if every and (why := why_not(source.branches.store)):
        names = ", ".join(each.name for each in every)
        warn(f"{names}: not run, because this store does not react: {why}", ReactionWarning)
        return []
    return [Sending(each, source, lease=lease) for each in every]
