"""An endpoint from a command: the request gives its arguments, the commit is the answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from backstory.contrib.http.answering import PLACE, body, etags, json, places
from backstory.contrib.http.exchange import Answer
from backstory.contrib.http.naming import Named, check_command
from backstory.contrib.http.problems import Wrong, problem
from backstory.decide.inputs import Input
from backstory.errors import Conflict, HistoryMoved
from backstory.live import Seen
from backstory.place import Place
from backstory.values.commit import NO_HASH

if TYPE_CHECKING:
    from backstory.contrib.http.exchange import Request, Verbs
    from backstory.contrib.http.served import Served
    from backstory.decide.call import Command
    from backstory.decide.commands import CommandType
    from backstory.decide.state import State

NOTHING = Place.at(0, NO_HASH)

STALE = "it has changed since it was read: read it again, and decide again"


class Doing:
    """Executes a command for each request.

    `If-Match` with an ETag, or with the place of a commit, is done only if the state that the path names has not
    changed since: the place becomes the condition's position. `If-None-Match: *` is done only if nothing has happened
    to that state. A request with an `Idempotency-Key` that was done is not done again, and gets the first answer.
    """

    def __init__(self, history: Served[Any], command: CommandType[...], status: int = 200) -> None:
        check_command(command)
        self.kind = command
        self.name = command.name
        self.made_of: tuple[Any, ...] = (command, status)
        self._history = history
        self._status = status
        self._new = [name for name, one in command.inputs.items() if one.kind is Input.NEW_ID]
        self._named: dict[tuple[str, ...], Named] = {}

    def named(self, names: tuple[str, ...]) -> Named:
        """The meaning of the words of a path. Raises `DefinitionError`."""
        known = self._named.get(names)
        if known is None:
            known = self._named[names] = Named(self.kind, names)
        return known

    async def __call__(self, request: Request, db: Verbs) -> Answer:
        """The commit, or a problem. Raises `Refused`, and other errors of the library."""
        try:
            return await self._done(request, db)
        except Wrong as wrong:
            return problem(wrong.status, wrong.detail)

    async def _done(self, request: Request, db: Verbs) -> Answer:
        words = request.path_params
        named = self.named(tuple(words))
        given = await body(request, self._history.most_bytes)
        if twice := named.names & set(given):
            raise Wrong(422, f"{min(twice)} is given by the path, so the body does not give it")
        if strange := set(given) - {*self.kind.states, *self.kind.plain, *self.kind.renamed}:
            takes = [*self.kind.states, *self.kind.plain, *self.kind.renamed]
            body_takes = ", ".join(name for name in takes if name not in named.names) or "nothing"
            raise Wrong(422, f"{self.kind.name} takes {body_takes}, and no {min(strange)}")
        command = self._command(named.arguments(words) | given)
        key = request.headers.get("idempotency-key")
        id = None if key is None else await self._history.commit_id(request, key, self.kind.name)
        seen = await self._seen(request, db, named, command)
        try:
            commit = await db.execute(command, id=id, seen=seen)
        except HistoryMoved:
            if seen is None:
                raise
            raise Wrong(412, STALE) from None
        except Conflict as conflict:
            if seen is None or conflict.condition.after != seen.place.position:
                raise
            raise Wrong(412, STALE) from None
        if commit is None:
            return Answer(204)
        place = str(Place.of(commit))
        done: dict[str, Any] = {"commit": commit.id, "place": place}
        if self._new:
            inputs = msgspec.json.decode(commit.command_json)["inputs"]
            done["ids"] = {name: inputs[name] for name in self._new}
        return json(done, self._status, {PLACE: place})

    def _command(self, arguments: dict[str, Any]) -> Command:
        try:
            return self.kind.parse(arguments)
        except (TypeError, ValueError, RecursionError, OverflowError) as wrong:
            raise Wrong(422, str(wrong)) from None

    async def _seen(self, request: Request, db: Verbs, named: Named, command: Command) -> Seen[Any] | None:
        """The state that the path names, as the client has seen it. Raises `Wrong`."""
        match, none_match = request.headers.get("if-match"), request.headers.get("if-none-match")
        if match is None and none_match is None:
            return None
        name = next(iter(named.states), None)
        state: State | None = None if name is None else command.states[name]
        if state is None:
            raise Wrong(400, "the path names nothing that could have changed: leave If-Match out")
        if match is None:
            assert none_match is not None
            if etags(none_match) is not None:
                raise Wrong(400, "what is done takes If-None-Match: * and no other")
            return Seen(state, NOTHING)
        values = etags(match)
        if values is None:
            seen = await db.see(state)
            if not seen.place.position:
                raise Wrong(412, "nothing has happened to it yet")
            return None
        found = places(values)
        if not found:
            raise Wrong(412, STALE)
        return Seen(state, found[0])
