"""A router whose routes are made from commands and states."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from typing import TYPE_CHECKING, Any, Literal, TypedDict, Unpack, get_args

from fastapi import APIRouter

from backstory.contrib.fastapi import described
from backstory.contrib.http.doing import Doing
from backstory.contrib.http.naming import check_identity
from backstory.contrib.http.reading import Changes, Many, One
from backstory.errors import DefinitionError

if TYPE_CHECKING:
    from fastapi.params import Depends as Dependency

    from backstory.contrib.fastapi.app import Backstory
    from backstory.contrib.http.exchange import Handler
    from backstory.decide.commands import CommandType
    from backstory.decide.state import State

Method = Literal["POST", "PUT", "PATCH", "DELETE"]


class Operation(TypedDict, total=False):
    """What FastAPI's own routes take."""

    tags: list[str | Enum]
    dependencies: Sequence[Dependency]
    summary: str
    description: str
    response_description: str
    responses: dict[int | str, dict[str, Any]]
    deprecated: bool
    operation_id: str
    include_in_schema: bool
    name: str


class Router(APIRouter):
    """An `APIRouter`, for routes of one's own, with methods that make a route in one line.

    `history` is the application's database. Other parameters are those of `APIRouter`.
    """

    def __init__(self, history: Backstory, **options: Any) -> None:
        super().__init__(**options)
        self.history = history

    def command(
        self,
        path: str,
        command: CommandType[...],
        *,
        method: Method = "POST",
        status_code: int = 200,
        **operation: Unpack[Operation],
    ) -> None:
        """A route that executes a command, and answers with the commit; 204 if the command decides to do nothing.

        A word of the path, `{ticket}`, is a state's identity or another argument. The body is a JSON object with the
        arguments that are left. Raises `DefinitionError` for a path that does not fit the command, and for a method
        that only reads.
        """
        if method not in get_args(Method):
            raise DefinitionError(
                f"{path}: a command changes something, so its method is one of {', '.join(get_args(Method))}"
            )
        doing = Doing(self.history, command, status_code)
        told = described.command(
            command, doing.named(described.words(path)), status_code, self.history.refusals
        )
        self._add(path, method, doing, told, command.__doc__, operation, status_code)

    def state(self, path: str, state: type[State], **operation: Unpack[Operation]) -> None:
        """A route that shows a state, whose identity is in the path, with its ETag; `?at=` shows it as it was.

        Raises `DefinitionError` for a path that has not the whole identity.
        """
        one, words = One(state), described.words(path)
        check_identity(state, words)
        told = described.state(state, words)
        self._add(path, "GET", one, told, state.__doc__, operation)

    def find(
        self,
        path: str,
        state: type[State],
        *,
        within: str = "",
        order: str = "",
        most: int = 100,
        fields: Iterable[str] | None = None,
        **operation: Unpack[Operation],
    ) -> None:
        """A route that finds states in a table: `where`, `order`, `limit` and `cursor` are in the address.

        `within` is a condition that all of them meet, `fields` are those of which a client may speak (all that are not
        marked). At most `most` come at a time. The table is one of `Materialized`. Raises `ExpressionError` for
        `within`, and `DefinitionError` for fields that the state has not.
        """
        many = Many(state, within=within, order=order, most=most, fields=fields)
        self._add(path, "GET", many, described.found(state, most), "", operation)

    def live(self, path: str, state: type[State], **operation: Unpack[Operation]) -> None:
        """A route that sends a state, and sends it again after each change: server-sent events.

        Raises `DefinitionError` for a path that has not the whole identity.
        """
        changes, words = Changes(state), described.words(path)
        check_identity(state, words)
        told = described.changes(state, words)
        self._add(path, "GET", changes, told, "", operation)

    def _add(
        self,
        path: str,
        method: str,
        answer: Handler,
        told: described.Told,
        words: str | None,
        operation: Mapping[str, Any],
        status_code: int = 200,
    ) -> None:
        endpoint = self.history.endpoint(answer)
        options = {"name": answer.name, "description": words or "", **operation}
        self.add_api_route(
            path,
            endpoint,
            methods=[method],
            status_code=status_code,
            response_model=None,
            response_class=told.kind,
            **{**options, "responses": {**told.responses, **options.get("responses", {})}},
            openapi_extra=told.operation,
        )
