"""The verbs that debug by history: why a value is there, a decision as a test, what other code would have decided."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, cast

from backstory.decide.mistaken import need_command, need_state
from backstory.decide.register import known
from backstory.errors import InputError
from backstory.likeness import did_you_mean
from backstory.verbs.reading import Reads

if TYPE_CHECKING:
    from backstory.database import Database
    from backstory.decide.call import Command
    from backstory.decide.state import State
    from backstory.history.ask.recall import Known
    from backstory.history.ask.why import Why
    from backstory.history.backtest.report import Report
    from backstory.history.backtest.run import Backtest
    from backstory.history.refs.revision import Revision
    from backstory.history.spec.make import Spec, Then
    from backstory.reactions.process import AnyReaction
    from backstory.reactions.starts import Tried


def backtesting(
    db: Reads,
    range: str | None = None,
    *,
    command: str | None = None,
    commands: Known | None = None,
    replacing: Known | None = None,
    each: bool = False,
) -> Backtest:
    """A backtest that has not begun, and goes on while it is iterated; see `Debugs.backtest`."""
    from backstory.history.backtest.run import Backtest
    from backstory.history.refs.revision import stretch

    end, after = stretch(db.branches, range, db.handle.now().chain)
    line = db.handle.line(end.chain)
    run = {**known(commands), **(replacing or {})}
    if command is not None and command not in run:
        raise InputError(f"there is no command {command!r}; {did_you_mean(command, run, 'none is like it')}")
    return Backtest(line.log, after, end.position, codec=line.codec, commands=run, only=command, each=each)


class Debugs(Reads):
    """Why, spec, backtest, and a command that is tried."""

    def why(
        self, state: State, field: str, at: Revision | None = None, *, commands: Known | None = None
    ) -> Why:
        """Why a field of a state has its value: `db.why(Account("a-7"), "balance")`.

        The answer has the event that gave the value, the command that decided it, the states that the command had
        read with the events that these came from, and the causes of the commit, back to the first. A field may be a
        path, as for `blame`: `lines.0.cents`. `commands` are those of an application by their names; default: all that
        are defined. At most 10 states with 20 parts each, and 50 causes, are given. Raises `InputError` if the state
        has no such field, and as `load` does.
        """
        from backstory.history.ask.ways import taken_over
        from backstory.history.ask.why import why

        line, upto = self._view(at)
        found = why(line.log, need_state(state), field, upto, codec=line.codec, commands=known(commands))
        return found.coming(lambda commit: taken_over(self.branches, self.name, commit))

    def spec(
        self,
        state: State,
        range: str | None = None,
        *,
        then: Then = "events",
        code: str | None = None,
        commands: Known | None = None,
    ) -> Spec:
        """A decision of the history as a given/when/then test of `backstory.testing`, ready to paste.

        It is the last decision about the state in a range, as for `backtest`; all events that its command had read are
        given. `then` are the events that it gave, the `state` after it, or that it is to be `refused`, with a code.
        Values that are marked as personal or secret, and authors, have stand-ins of the same form; the test was run,
        and the result says whether it passes, else why, such as the field whose stand-ins change the decision. Raises
        `RevisionError`, and `InputError` where there is no such decision, or no test can be made of it.
        """
        from backstory.history.refs.revision import stretch
        from backstory.history.spec.make import spec

        end, after = stretch(self.branches, range, self.handle.now().chain)
        line = self.handle.line(end.chain)
        return spec(
            line.log,
            need_state(state),
            after,
            end.position,
            codec=line.codec,
            commands=known(commands),
            then=then,
            code=code,
        )

    def backtest(
        self,
        range: str | None = None,
        *,
        command: str | None = None,
        commands: Known | None = None,
        replacing: Known | None = None,
        each: bool = False,
        progress: Callable[[int], object] = int,
    ) -> Report:
        """Run the recorded commands of a range again with the code as it is now, and tell what comes out otherwise.

        The range is a part of one history, as `main~100..main`; default: the whole branch. Each command decides on the
        history as the ones before it have come out now, and commits without a command stay as they are; with `each`,
        every command decides on the history as it was. Time, ids and chance come from the record. `command` is the
        name of the only one that is run again. `commands` are those of an application, default: all that are defined;
        those of `replacing` take the place of others with their names, in this run only. `progress` is called with
        each position. Nothing is written. The report has the first 1,000 decisions that differ, and counts all.
        Raises `RevisionError`, and `InputError` for a command that is not known.
        """
        run = backtesting(self, range, command=command, commands=commands, replacing=replacing, each=each)
        for position in run:
            progress(position)
        return run.report()

    def try_out(
        self, command: Command, at: Revision | None = None, *, reactions: Iterable[AnyReaction] = ()
    ) -> Tried:
        """The effect that a command would have, now or as of a revision, and the reactions that its events would start.

        A `Process` is run, as its steps are pure: the commands that it would give, and the deadlines that it would set.
        A `@reaction` may do what cannot be taken back, so it is only named. The command is decided in a `what_if`:
        nothing is appended, and nothing is left. Raises as `execute`, such as `Refused`.
        """
        from backstory.reactions.starts import Tried, starts

        with cast("Database", self).what_if(at) as trial:
            drawn = trial.handle.drafter.drawn(need_command(command))
            head, preview = trial.head().position, trial.preview(drawn)
            commit = trial.execute(drawn)
            records = [] if commit is None else trial.events(commit)
            return Tried(command, head, preview, records, starts(records, reactions, trial.load))
