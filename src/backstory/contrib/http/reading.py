"""Endpoints that read: a state, now, at any time or as it changes, and states that are found in a table."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from backstory.contrib.http.answering import after, etags, json, moment, parameter
from backstory.contrib.http.exchange import Answer, Answered, Follow
from backstory.contrib.http.naming import check_state, reference
from backstory.contrib.http.problems import Wrong, problem
from backstory.errors import DefinitionError, InputError, UnknownRevision
from backstory.history.ask.expression import predicate
from backstory.history.compare.jsonable import shown
from backstory.place import Place
from backstory.texts.states import check_shown, condition

if TYPE_CHECKING:
    from collections.abc import Iterable

    from backstory.contrib.http.exchange import Request, Verbs
    from backstory.decide.state import State
    from backstory.projections.find import Page


class One:
    """Shows a state, its marked fields masked, with an ETag: the place of the last event that the state has read.

    `?at=` shows it as of a revision, a position, a place or a time. A state that no event concerns is 404.
    """

    def __init__(self, state: type[State]) -> None:
        check_state(state)
        self.cls = state
        self.name = f"get_{state.__name__}"
        self.made_of: tuple[Any, ...] = (state,)

    async def __call__(self, request: Request, db: Verbs) -> Answer:
        """The state. Raises errors of the library."""
        try:
            state, at, known = reference(self.cls, request.path_params), moment(request), after(request)
            none_match = request.headers.get("if-none-match")
            unchanged = [] if none_match is None else etags(none_match, weak=True)
        except Wrong as wrong:
            return problem(wrong.status, wrong.detail)
        if known is not None:
            await db.point(known)
        seen = await db.see(state, at=at)
        if not seen.place.position:
            return problem(404, f"there is no {self.cls.__name__} of this name")
        headers = {"etag": f'"{seen.place}"', "cache-control": "private, no-cache"}
        if unchanged is None or str(seen.place) in unchanged:
            return Answer(304, headers=headers)
        return json(shown(seen.value), headers=headers)


class Changes:
    """Sends a state, whose identity is in the path, at first and after each of its events."""

    def __init__(self, state: type[State]) -> None:
        check_state(state)
        self.cls = state
        self.name = f"follow_{state.__name__}"
        self.made_of: tuple[Any, ...] = (state,)

    async def __call__(self, request: Request, db: Verbs) -> Answered:
        """The state that is to be followed; one that no event concerns is 404."""
        try:
            state = reference(self.cls, request.path_params)
        except Wrong as wrong:
            return problem(wrong.status, wrong.detail)
        last, known = request.headers.get("last-event-id", ""), None
        with suppress(UnknownRevision):
            known = Place.parse(last)
        if known is None and not (await db.see(state)).place.position:
            return problem(404, f"there is no {self.cls.__name__} of this name")
        return Follow(state, last)


USUAL = 20
"""States that are given where a client does not say how many."""


class Many:
    """Finds states of a class in its table, as `db.find` does: the request says `where`, `order`, `limit`, `cursor`.

    `within` is a condition that every state meets which a client may see. At most `most` are given at a time. `fields`
    are those of which a client may speak; without them it is each one that is not marked. `?total=about` counts, too.
    With `after`, the table has seen that commit. Raises `DefinitionError` for an order or fields that the class has
    not.
    """

    def __init__(
        self,
        state: type[State],
        *,
        within: str = "",
        order: str = "",
        most: int = 100,
        fields: Iterable[str] | None = None,
    ) -> None:
        check_state(state)
        self.cls = state
        self.name = f"find_{state.__name__}"
        self._within, self._order, self._most = within, order, most
        self._fields = None if fields is None else frozenset(fields)
        self.made_of: tuple[Any, ...] = (state, within, order, most, self._fields)
        if within:
            predicate(within, state)
        if unknown := set(self._fields or ()) - set(state.__struct_fields__):
            raise DefinitionError(f"fields: {state.__name__} has no {min(unknown)}")
        try:
            self._sorted(order)
        except (Wrong, InputError) as wrong:
            raise DefinitionError(str(wrong)) from None

    async def __call__(self, request: Request, db: Verbs) -> Answer:
        """A piece of what was found. Raises errors of the library."""
        try:
            limit, place = self._limit(parameter(request, "limit")), after(request)
            where = self._where(parameter(request, "where") or "")
            order = self._sorted(parameter(request, "order") or self._order)
            cursor, counted = parameter(request, "cursor"), _counted(parameter(request, "total"))
            found = await self._found(db, where, order, limit, cursor, place, counted=counted)
        except Wrong as wrong:
            return problem(wrong.status, wrong.detail)
        page = {"items": [shown(each) for each in found], "cursor": found.cursor}
        return json(page | {"total": found.total} if counted else page)

    async def _found(
        self,
        db: Verbs,
        where: str,
        order: list[str],
        limit: int,
        cursor: str | None,
        place: str | None,
        *,
        counted: bool,
    ) -> Page[State]:
        try:
            return await db.find(
                self.cls, where, order_by=order, limit=limit, after=cursor, commit=place,
                count="about" if counted else False,
            )  # fmt: skip
        except UnknownRevision:
            if cursor is None:
                raise
            raise Wrong(422, "cursor: it is not one of a page before, in this order") from None

    def _limit(self, text: str | None) -> int:
        if text is None:
            return min(USUAL, self._most)
        if not (text.isascii() and text.isdecimal() and len(text) < 10 and 1 <= int(text) <= self._most):
            raise Wrong(422, f"limit is a number from 1 to {self._most}")
        return int(text)

    def _where(self, text: str) -> str:
        """The condition of the request, within that of the endpoint. Raises `InputError` and `ExpressionError`."""
        if not text.strip():
            return self._within
        self._may(condition(text, self.cls).fields)
        return f"({self._within}) and ({text})" if self._within else text

    def _sorted(self, text: str) -> list[str]:
        order = [each.strip() for each in text.split(",") if each.strip()]
        names = {each.removeprefix("-") for each in order}
        if unknown := names - set(self.cls.__struct_fields__):
            raise Wrong(422, f"order: {self.cls.__name__} has no {min(unknown)}")
        check_shown(names, self.cls)
        if text is not self._order:
            self._may(names)
        return order

    def _may(self, names: Iterable[str]) -> None:
        if self._fields is not None and (strange := set(names) - self._fields):
            raise Wrong(422, f"{min(strange)} is not one of {', '.join(sorted(self._fields))}")


def _counted(text: str | None) -> bool:
    if text not in (None, "about"):
        raise Wrong(422, "total is about, or is left out: to count exactly would read all of them")
    return text is not None
