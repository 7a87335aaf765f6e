"""The lease of one reaction, which two threads share."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable

import pytest

from backstory.reactions.keep import Keep
from backstory.reactions.lease import Lease
from backstory.store import Store
from backstory.values.commit import ORIGIN
from tests.patience import PATIENCE


class Clock:
    """A clock that somebody may be made to wait for."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.meanwhile: Callable[[], object] = int

    def __call__(self) -> float:
        self.asked.set()
        self.meanwhile()
        return 1_000.0


def taken(store: Store, clock: Clock) -> Lease:
    """A lease that has to be held again at once."""
    keep = Keep(store, "mail", clock)
    keep.begin(ORIGIN)
    lease = Lease(keep, "a", 1e-9)
    assert lease.take()
    clock.asked.clear()
    return lease


def test_another_thread_holds_it_between_turns_and_while_it_is_lent(some_store: Store) -> None:
    clock = Clock()
    lease = taken(some_store, clock)

    def is_held() -> bool:
        clock.asked.clear()
        lease.hold_if_lent()
        return clock.asked.is_set()

    assert is_held()
    with lease.turn():
        assert not is_held()
        with lease.lent():
            assert is_held()
        assert not is_held()
        with pytest.raises(ValueError, match="of the function"), lease.lent():
            raise ValueError("of the function")
        assert not is_held()
    assert is_held()
    lease.release()
    assert not is_held()


@pytest.mark.usefixtures("interruptible")
def test_a_ctrl_c_while_another_thread_holds_it_is_a_ctrl_c(some_store: Store) -> None:
    clock = Clock()
    lease = taken(some_store, clock)
    main, is_over = threading.get_ident(), threading.Event()
    failed: list[BaseException] = []

    def interrupt() -> None:
        time.sleep(0.1)  # the main thread may wait for this one by then; the test is right without it, too
        signal.pthread_kill(main, signal.SIGINT)
        is_over.wait(1)

    def hold() -> None:
        try:
            lease.hold_if_lent()
        except BaseException as error:  # noqa: BLE001 - it is shown below
            failed.append(error)

    def work() -> None:
        with lease.turn(), lease.lent():
            holding.start()
            assert clock.asked.wait(PATIENCE)

    holding = threading.Thread(target=hold)
    clock.meanwhile = interrupt
    with pytest.raises(KeyboardInterrupt):
        work()
    is_over.set()
    holding.join()
    clock.meanwhile = int
    with lease.turn():
        lease.release()
    assert (failed, lease.keep.at.owner) == ([], "")
