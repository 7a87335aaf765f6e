"""The verbs of branches: making them, marking points, merging, reverting."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from backstory.decide.drafting import Said
from backstory.decide.state import defined_states
from backstory.errors import BranchError, IdReused, UnknownRevision
from backstory.handle import Tip
from backstory.history.merge.merge import (
    DEFAULTS,
    MergeReport,
    Options,
    cherry_pick,
    merge,
    previewing,
    rebase,
)
from backstory.history.merge.revert import Inversion, revert
from backstory.history.refs.branches import Mark
from backstory.history.refs.revision import Revision
from backstory.values.commit import Commit
from backstory.values.links import REVERTS
from backstory.values.query import Condition
from backstory.verbs.reading import Reads

if TYPE_CHECKING:
    from collections.abc import Generator
    from typing import Self

    from backstory.values.commit import Draft


class Branching(Reads):
    """Branch, mark, merge, rebase, cherry-pick, revert."""

    def branch(self, name: str, at: Revision | None = None) -> Self:
        """Make a branch here, or at any past revision, and open it. Costs the same however long the history is."""
        point = self._point(at)
        made = self.branches.create(name, point.chain, point.position)
        return self._on(self.handle.on(made))

    def switch(self, name: str) -> Self:
        """Open another branch, or this one anew. Raises `UnknownRevision`."""
        return self._on(self.handle.on(self.branches.get(name)))

    def mark(self, name: str, at: Revision | None = None, *, message: str = "", author: str = "") -> Mark:
        """Give a point of history a name: `db.mark("q3-closed")`, then `at="q3-closed"`. Raises `BranchError`."""
        point = self._point(at)
        return self.branches.set_mark(name, point.chain, point.position, message=message, author=author)

    def merge(self, source: str, options: Options = DEFAULTS) -> MergeReport:
        """Take over the commits that only another branch has, all or none; see `backstory.history.merge`.

        Raises `MergeConflict`, whose report says which commits are in conflict; answer with `options`.
        """
        return merge(self.branches, source, self._named(), self._with_codec(options))

    def rebase(self, onto: Revision, options: Options = DEFAULTS) -> MergeReport:
        """Let this branch start at another point, its commits judged again there. Raises as `merge` does."""
        return rebase(self.branches, self._named(), self.point(onto), self._with_codec(options))

    def cherry_pick(self, commit: Revision, options: Options = DEFAULTS) -> MergeReport:
        """Take over one commit of another branch. Raises as `merge` does."""
        return cherry_pick(self.branches, self.point(commit), self._named(), self._with_codec(options))

    def _previewing(self, source: str, options: Options) -> Generator[None, None, MergeReport]:
        """The preview of a merge for somebody who waits; see `backstory.history.merge.merge.previewing`."""
        return previewing(self.branches, source, self._named(), self._with_codec(options))

    def _with_codec(self, options: Options) -> Options:
        return replace(options, codec=self.handle.drafter.codec)

    def _named(self) -> str:
        if self.name is None:
            raise BranchError("this branch has no name; keep it with one first: trial.keep('what-if')")
        return self.name

    def revert(
        self,
        commits: Revision,
        *,
        force: bool = False,
        id: str | None = None,
        author: str | None = None,
        message: str | None = None,
    ) -> Commit | None:
        """Undo a commit, or those of a range `a..b`, by one commit of new events; None if there is nothing to undo.

        Its metadata names the commits that it reverts. `reverts` registers a function that undoes an event. With an
        `id` it is done once: the same id for the same commits gives the recorded commit. Raises `RevertError` if an
        event has none, and, unless `force`, if a commit is undone already, or if later commits own fields that would
        change; and `IdReused`.
        """

        def undone(tip: Tip) -> Commit | None:
            picked = self._picked(commits)
            reverted = [commit.id for commit in picked]
            if (known := self.handle.known(id)) is not None:
                if known.metadata.get(REVERTS) == reverted:
                    return known
                raise IdReused(
                    known.id, f"was used for something else than this revert, at #{known.position}"
                )
            said = Said(id, author, message, {REVERTS: reverted})

            def drafting(inversion: Inversion, head: int) -> Draft:
                return self.handle.drafter.draft(inversion.events, Condition(inversion.query, head), said)

            return revert(tip.opened(), picked, defined_states, drafting, tip.line.codec, force=force)

        return self.handle.following(undone)

    def _picked(self, commits: Revision) -> list[Commit]:
        """The commits that a revision or a range names; they must be on this branch."""
        if isinstance(commits, str) and ".." in commits:
            return list(self.between(commits))
        point = self.point(commits)
        if point.commit is None or not self.handle.now().log.find(point.commit.hash.hex()):
            raise UnknownRevision(str(commits), "there is no such commit on this branch")
        return [point.commit]
