"""A form that is sent twice places one order.

The page carries a token that was made when it was shown. Where the second attempt should be told, the token is a
state, as here. Where it should just get the first one's answer, none is needed: `db.execute(command, id=token)`.
"""

from __future__ import annotations

from backstory import Event, Refused, State, Tag, command


class OrderPlaced(Event, name="recipes.order_placed"):
    order: Tag[str]
    token: Tag[str]


class Submission(State):
    token: Tag[str]
    order: str | None = None

    def apply(self, event: OrderPlaced) -> None:
        self.order = event.order


@command
def place_order(submission: Submission, order: str) -> OrderPlaced:
    if submission.order is not None:
        raise Refused("submitted before", order=submission.order)
    return OrderPlaced(order, submission.token)
