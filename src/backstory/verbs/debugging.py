"""The verbs that debug by history: why a value is there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backstory.decide.mistaken import need_state
from backstory.verbs.reading import Reads

if TYPE_CHECKING:
    from backstory.decide.state import State
    from backstory.history.ask.recall import Known
    from backstory.history.ask.why import Why
    from backstory.history.refs.revision import Revision


class Debugs(Reads):
    """Why."""

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
        from backstory.history.ask.recall import known_commands
        from backstory.history.ask.ways import taken_over
        from backstory.history.ask.why import why

        line, upto = self._view(at)
        found = why(
            line.log, need_state(state), field, upto, codec=line.codec, commands=known_commands(commands)
        )
        return found.coming(lambda commit: taken_over(self.branches, self.name, commit))
