"""The verbs that ask history: what differs, since when, why, and a proof of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

from backstory.decide.mistaken import need_state
from backstory.decide.state import State, defined_states
from backstory.history.ask.bisect import Found, StateTurn, first, turns_of_all
from backstory.history.ask.causes import Cause, Effect, causes, effects, undone_by
from backstory.history.ask.expression import predicate
from backstory.history.ask.unread import Unread, unread
from backstory.history.blame.blame import Blame, blame
from backstory.history.compare.diff import Difference, diff
from backstory.history.refs.revision import Revision, no_commit
from backstory.values.commit import ORIGIN, Commit
from backstory.values.links import CORRELATION
from backstory.verbs.reading import Reads

if TYPE_CHECKING:
    from backstory.history.check.proof import Proof
    from backstory.store import Log


class Asks(Reads):
    """Diff, blame, bisect, causes and effects, proofs."""

    def diff(self, a: Revision, b: Revision, state: State) -> Difference:
        """The difference of a state between two revisions, also of two branches: `db.diff("main", "what-if", cart)`."""
        return diff(self.load(state, a), self.load(state, b))

    def blame(self, state: State, at: Revision | None = None, *, assertions: bool = False) -> Blame:
        """For every field of a state, the event that last gave it its value; see `backstory.history.blame.blame`."""
        line, upto = self._view(at)
        return blame(line.log, state, upto, assertions=assertions)

    def bisect(
        self,
        state: State,
        where: Callable[[Any], bool] | str,
        *,
        good: Revision | None = None,
        bad: Revision | None = None,
    ) -> Found:
        """The first event after which something is true of a state: a function of it, or text as in `balance < 0`.

        `good` is the beginning of the search, `bad` its end. The result has every turn, there and back.
        """
        need_state(state)
        line, upto = self._view(bad)
        after = 0 if good is None else self.point(good).position
        holds = predicate(where, type(state)) if isinstance(where, str) else where
        return first(line.log, state, holds, after, upto, line.codec)

    def turns(
        self,
        state: type[State],
        where: Callable[[Any], bool] | str,
        *,
        good: Revision | None = None,
        bad: Revision | None = None,
        limit: int | None = None,
    ) -> Iterator[StateTurn]:
        """Stream every turn of every state of a class: each event after which the answer about it was another one.

        One pass, in the order of the log: what `bisect` says of one state, of all. A turn names its state, and the
        position of that state's turn before. Raises as `bisect`, and `DefinitionError` for a class whose states do not
        follow from the tags of events.
        """
        line, upto = self._view(bad)
        after = 0 if good is None else self.point(good).position
        holds = predicate(where, state) if isinstance(where, str) else where
        return islice(turns_of_all(line.log, state, holds, after, upto, line.codec), limit)

    def causes(self, commit: Revision) -> Iterator[Cause]:
        """Stream the cause of a commit, its cause, and so on back to the first: what `context(because=...)` recorded.

        A cause that is not on this history, such as one of another store, has an id and no commit, and ends the list.
        One look-up for each.
        """
        log, found = self._commit(commit)
        return causes(log, found)

    def effects(
        self, commit: Revision, at: Revision | None = None, limit: int | None = None
    ) -> Iterator[Effect]:
        """Stream all that a commit caused, now or as of a revision: each effect, and then its own effects.

        One look-up for each, whatever the length of the log.
        """
        log, found = self._commit(commit)
        log, upto = (log, None) if at is None else self._read(at)
        return islice(effects(log, found, upto), limit)

    def undone_by(self, commit: Revision, at: Revision | None = None) -> Iterator[Commit]:
        """Stream the commits that revert a commit, now or as of a revision, by one look-up.

        They may have been reverted themselves.
        """
        log, found = self._commit(commit)
        log, upto = (log, None) if at is None else self._read(at)
        return undone_by(log, found, upto)

    def correlated(
        self, correlation: str, at: Revision | None = None, limit: int | None = None
    ) -> Iterator[Commit]:
        """Stream the commits that share an id of `context(correlation=...)`, by one look-up.

        The effects of an event have the correlation of its commit, or else that commit's id.
        """
        log, upto = self._read(at)
        return log.linked(CORRELATION, correlation, upto=upto, limit=limit)

    def _commit(self, revision: Revision) -> tuple[Log, Commit]:
        """A commit, and the log that it is seen on. Raises `UnknownRevision`."""
        point = self.point(revision)
        if point.commit is None:
            raise no_commit(point, revision, "no commit stands there; it is before the first one")
        return self.handle.line(point.chain).log, point.commit

    def _read(self, at: Revision | None) -> tuple[Log, int | None]:
        line, upto = self._view(at)
        return line.log, upto

    def unread(self, commit: Revision) -> Iterator[Unread]:
        """Stream the states that a commit changed although its decision had not read all that they follow from.

        Each names the fields, and the last events before the commit that had given them a value and that the query of
        the decision does not cover. Of a commit without a condition nothing is known. The states are those that are
        defined here. Each state that the commit concerns is folded once.
        """
        log, found = self._commit(commit)
        return unread(log, found, defined_states())

    def prove(
        self,
        commit: Revision,
        event: int | None = None,
        *,
        head: Revision | None = None,
        show: Iterable[str] = (),
        data: bool = True,
    ) -> Proof:
        """A proof that an event is in the history that ends with `head`; `check_proof` checks it without a store.

        `event` counts from 1 within the commit; it may be left out where there is one, or a position names it. The head
        is that of the branch. `show` names parts of the commit that the proof shows too: author, message, command,
        metadata, query; without `data` it has the digest of the event's data only. It tells nothing of other events
        and parts. It has 75 bytes for each later commit up to the head, so keep heads or marks near. Raises
        `ProofError`, `UnknownRevision`.
        """
        from backstory.history.check.proof import placed, prove

        point = self.point(commit)
        log = self.handle.line(point.chain).stored
        end = log.head()
        if head is not None:
            other = self.point(head)
            log = self.handle.line(other.chain).stored
            end = ORIGIN if other.commit is None else other.commit.point
        found, place = placed(point, event)
        return prove(log, found, place, end, show=tuple(show), data=data)
