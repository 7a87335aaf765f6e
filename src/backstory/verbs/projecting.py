"""The verbs of tables and of what runs beside: projections, `find`, reactions and outboxes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Literal

from backstory.decide.state import State
from backstory.history.ask.expression import predicate
from backstory.history.refs.branches import MAIN
from backstory.history.refs.revision import Revision
from backstory.values.commit import Commit
from backstory.verbs.held import LEASE, Held, S

if TYPE_CHECKING:
    from backstory.outbox.message import Outbox
    from backstory.projections.find import Page
    from backstory.projections.projection import AnyProjection
    from backstory.reactions.run import Runnable, Running


class Projects(Held):
    """Project, materialize, find; run projections, reactions and outboxes."""

    def project(self, *projections: AnyProjection) -> None:
        """Make projections known here: all members of a group before one of them is read, and nobody runs them here."""
        self.views.know(projections)

    def rows(
        self,
        projection: AnyProjection,
        sql: str,
        arguments: Sequence[Any] = (),
        *,
        after: Commit | int | str | None = None,
        timeout: float = 5.0,
        into: Callable[..., Any] | None = None,
        live: bool = False,
        at: Revision | None = None,
    ) -> list[Any]:
        """The rows of a query over the tables of a projection: tuples, or `into(*row)` for each of them.

        `?` stands for an argument. `after` is a commit, a position or a place: then the rows are of that commit or
        later, and this waits for it, at most `timeout` seconds. Tables that have never been at the end of the log are
        waited for in the same way. `live=True` makes the tables in memory for this one query, and so does `at`, as of a
        revision. A branch has no tables but live ones. SQL over live tables is that of SQLite. Raises `Behind` and
        `ProjectionError`.
        """
        if live or at is not None:
            from backstory.projections.fold import folded

            line, upto = self._view(at)
            found = folded(projection, self.views.source, sql, arguments, line.log, upto)
            return found if into is None else [into(*row) for row in found]
        self._need_main()
        position = None if after is None else self._position(after)
        return self.views.rows(projection, sql, arguments, after=position, timeout=timeout, into=into)

    def wait(
        self, projection: AnyProjection, after: Commit | int | str | None = None, timeout: float = 5.0
    ) -> None:
        """Sleep until readers of a projection see a commit, or the end that the log has now. Raises `Behind`.

        It returns at once if no event that the projection takes lies between.
        """
        views = self.views
        position = self.head().position if after is None else self._position(after)
        views.wait(views.group_of(projection), position, timeout)

    def materialize(self, state: type[State], index: Iterable[str | Sequence[str]] = ()) -> None:
        """Keep a table of all states of a class, which `find` reads, and feed it in a thread until this is closed.

        `index` names plain fields, or several together, by which SQL shall find and sort; of a table of rows, any
        fields. Where another process runs it, or appends feed it, say `project` or `connect(inline=...)` with a
        `Materialized` instead. Raises `DefinitionError` for a state that no table can keep.
        """
        from backstory.projections.materialize import Materialized

        self.views.keep_running(self.run(Materialized(state, index)))

    def find(
        self,
        state: type[S],
        where: str = "",
        *,
        order_by: str | Sequence[str] = (),
        limit: int | None = None,
        after: str | None = None,
        count: bool | Literal["about"] = False,
        at: Revision | None = None,
        commit: Commit | int | str | None = None,
        timeout: float = 5.0,
    ) -> Page[S]:
        """The states of a class for which a condition is true, sorted by fields, then by identity.

        The condition is text, as `bisect` has it: `balance < 0`. A field to sort by is descending with `-` before it.
        `limit` is the most that are given, `after` the `cursor` of a result before, `count` whether to count all;
        `"about"` is quick, and exact for a small table only. The states are read from the table of `materialize`, once
        that has seen `commit`; else, as of a revision, and on a branch, the log is folded, which a `FoldedWarning` says
        once. A `ScannedWarning` says once that no index serves a large table, a `WithheldWarning` that
        rows are left out of which data were withheld: the result's `withheld` names them. Raises `ExpressionError`,
        `Behind`, `UnknownRevision` for a text that is no cursor, and `ValueError` for a `limit` below 0.
        """
        from backstory.projections.find import asked, by_folding

        question = asked(where, order_by, limit, after, count)
        kept = self.views.kept(state) if at is None and self.name == MAIN else None
        if kept is not None:
            if where.strip():
                predicate(where, state)
            position = None if commit is None else self._position(commit)
            found = self.views.find(kept, question, position, timeout)
        else:
            self.views.warn_of_folding(state)
            line, upto = self._view(at)
            found = by_folding(line.log, state, question, upto)
        if found.withheld:
            self.views.warn_of_withheld(state, found.withheld)
        return found

    def run(self, *things: Runnable | Outbox, lease: float = LEASE) -> Running:
        """Run projections, reactions, processes and outboxes for a block: `with db.run(Orders, confirm): ...`.

        Any number of processes may run the same ones: for each, one of them does the work, and `lease` seconds after
        its last word another one takes over. Reactions follow main, and run only in a store that has the right to
        react: in another one they are left out, with a `ReactionWarning`. A reaction should take less time for an event
        than half a lease. Raises `ProjectionError` if a projection cannot be fed, and `DefinitionError`.
        """
        from backstory.outbox.message import Outbox
        from backstory.outbox.sending import sendings
        from backstory.reactions.process import check_names, is_reaction, reacting
        from backstory.reactions.run import running

        outboxes = [each for each in things if isinstance(each, Outbox)]
        others = [each for each in things if not isinstance(each, Outbox)]
        reactions = [reacting(each) for each in others if is_reaction(each)]
        check_names([each.name for each in outboxes] + [each.name for each in reactions])
        sent = sendings(outboxes, self.views.source, lease)
        return running(others, self.views, self.store, self.main, lease, sent)

    def rebuild(self, projection: AnyProjection) -> None:
        """Make the tables of a projection anew, beside those that readers see until the new ones are at the end."""
        self.views.rebuild(self.views.group_of(projection))
