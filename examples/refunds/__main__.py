"""Tell the story in a store at an address; without one, in a store that is asked what happened, and is gone then."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from backstory import connect
from examples.refunds.story import ORDER, fill


def ask(address: str) -> None:
    """When did it go wrong, who did it, why, what had it not looked at, and who put it right?"""
    with connect(address) as db:
        record = db.bisect(ORDER, "refunded_cents > paid_cents").first
        assert record is not None
        commit = record.commit
        order = db.load(ORDER, at=commit.position)
        print(f"order {order.order}: paid {order.paid_cents}, paid back {order.refunded_cents}")
        print(f"since #{commit.position}, by {commit.author}: {commit.message}")
        for cause in db.causes(commit.id):
            assert cause.commit is not None
            print(f"  because of #{cause.commit.position}, by {cause.commit.author}")
        for unread in db.unread(commit.id):
            print(f"  had not read {', '.join(f'#{event.position}' for event in unread.events)}")
        for undoing in db.undone_by(commit.id):
            print(f"undone by #{undoing.position}, by {undoing.author}: {undoing.message}")
        trial = db.switch("refund-cap").load(ORDER)
        print(f"under the new rule: paid back {trial.refunded_cents}")


match sys.argv[1:]:
    case [address]:
        fill(address, datetime.now(UTC))
    case _:
        with TemporaryDirectory() as folder:
            address = str(Path(folder) / "refunds.db")
            fill(address, datetime.now(UTC))
            ask(address)
