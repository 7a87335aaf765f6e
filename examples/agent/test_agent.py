"""An agent whose steps are events."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from backstory import Refused, connect
from backstory.testing import given
from examples.agent.again import fork, replay
from examples.agent.agent import go_on
from examples.agent.events import Asked, Replied, ToolAnswered, ToolBegun
from examples.agent.model import scripted
from examples.agent.run import Run, ask, begin_tool, note_answer, note_reply
from examples.agent.said import Call, Message, Reply
from examples.agent.tools import UNKNOWN, Shop, Tool

RUN = Run("r-1")
PROMPT = "The lamp of o-7 is broken. Pay it back."
ASKED = Asked("r-1", 0, PROMPT)
LOOK, LOOKS = (
    Reply(call=Call("look_up", {"order": "o-7"})),
    Replied("r-1", 1, Reply(call=Call("look_up", {"order": "o-7"}))),
)


def test_each_step_is_taken_once_and_in_its_turn() -> None:
    given(ASKED).when(note_reply(RUN, step=1, reply=LOOK)).then(LOOKS)
    given(ASKED, LOOKS).when(note_reply(RUN, step=1, reply=LOOK)).then_refused("step")
    given(ASKED, LOOKS).when(note_reply(RUN, step=2, reply=LOOK)).then_refused("step")
    given(ASKED).when(ask(RUN, step=1, prompt="and mine?")).then_refused("step")


def test_a_tool_begins_once_and_answers_once() -> None:
    begun = ToolBegun("r-1", 2)
    given(ASKED).when(begin_tool(RUN, step=1)).then_refused("step")
    given(ASKED, LOOKS).when(begin_tool(RUN, step=2)).then(begun)
    given(ASKED, LOOKS, begun).when(begin_tool(RUN, step=2)).then_refused("step")
    given(ASKED, LOOKS, begun).when(note_answer(RUN, step=2, answer="yes")).then(
        ToolAnswered("r-1", 2, "yes")
    )
    given(ASKED, LOOKS, begun, ToolAnswered("r-1", 2, "yes")).when(
        note_answer(RUN, step=2, answer="no")
    ).then_refused("step")


def test_a_person_may_ask_again_when_the_agent_has_answered() -> None:
    with connect() as db:
        db.execute(ask(RUN, step=0, prompt="Pay it back."))
        assert go_on(db, "r-1", scripted, {}).answer == "Which order is it about?"
        db.execute(ask(RUN, step=2, prompt="o-7"))
        assert go_on(db, "r-1", scripted, Shop({"o-7": 100}).tools()).answer.startswith("Done: 100 cents")
        assert replay(db, "r-1") == [record.event for record in db.read(RUN)]


def test_a_replay_calls_nothing_and_sees_another_agent() -> None:
    with connect() as db:
        shop = Shop({"o-7": 100})
        db.execute(ask(RUN, step=0, prompt=PROMPT))
        go_on(db, "r-1", scripted, shop.tools())
        assert replay(db, "r-1") == [record.event for record in db.read(RUN)]
        assert shop.sent == [("o-7", 100)]


@pytest.mark.parametrize(
    ("step", "instead", "answer"),
    [
        (0, "Pay half of o-7 back.", "Done: 50 cents were sent to the customer of o-7."),
        (1, "No.", "No."),
        (2, "there is no order o-7", "I pay nothing back: there is no order o-7."),
        (4, "the bank is closed", "Done: the bank is closed."),
        (5, "It is done.", "It is done."),
    ],
)
def test_a_fork_at_any_step_leaves_the_run_as_it_was(step: int, instead: str, answer: str) -> None:
    with connect() as db:
        shop = Shop({"o-7": 100})
        db.execute(ask(RUN, step=0, prompt=PROMPT))
        before = go_on(db, "r-1", scripted, shop.tools())
        branch = fork(db, "r-1", step, instead, "trial")
        assert go_on(branch, "r-1", scripted, Shop({"o-7": 100}).tools()).answer == answer
        assert db.load(RUN) == before
        assert shop.sent == [("o-7", 100)]
        assert "/answer" in {change.pointer for change in db.diff("main", "trial", RUN).changes}


def test_a_fork_at_a_step_that_is_not_there_makes_no_branch() -> None:
    with connect() as db:
        db.execute(ask(RUN, step=0, prompt=PROMPT))
        with pytest.raises(LookupError, match="has no step 7; its steps are 0"):
            fork(db, "r-1", 7, "", "trial")
        assert db.branches.names() == ["main"]


def test_blame_says_who_gave_an_answer() -> None:
    with connect() as db:
        db.execute(ask(RUN, step=0, prompt=PROMPT), author="ann")
        go_on(db, "r-1", scripted, Shop({}).tools())
        commit = db.blame(RUN)["answer"].commit
        assert commit is not None
        assert commit.author == "model"


KILLED = """
import os, sys
from backstory import connect
from examples.agent.agent import go_on
from examples.agent.model import scripted
from examples.agent.run import Run, ask
from examples.agent.tools import Shop

last, when = int(sys.argv[1]), sys.argv[2]
calls = 0

def dying(function):
    def called(*arguments, **named):
        global calls
        calls += 1
        if calls == last and when == "before":
            os._exit(9)
        answer = function(*arguments, **named)
        if calls == last:
            os._exit(9)
        return answer
    return called

class Ledger(Shop):
    def pay_back(self, key, order, cents):
        with open("sent.txt", "a") as file:
            file.write(f"{order} {cents}\\n")
        return super().pay_back(key, order, cents)

with connect("agent.db") as db:
    if not db.load(Run("r-1")).messages:
        db.execute(ask(Run("r-1"), step=0, prompt="Pay o-7 back."))
    tools = {name: tool._replace(use=dying(tool.use)) for name, tool in Ledger({"o-7": 100}).tools().items()}
    go_on(db, "r-1", dying(scripted), tools)
"""


@pytest.mark.parametrize(
    ("calls", "when"), [*((call, "after") for call in range(1, 6)), (4, "before")], ids=str
)
def test_after_a_crash_the_run_goes_on_and_no_step_is_taken_twice(
    calls: int, when: str, tmp_path: Path
) -> None:
    here = f"import sys; sys.path.insert(0, {str(Path(__file__).parents[2])!r})\n"
    for last, code in ((calls, 9), (0, 0)):
        words = [sys.executable, "-c", here + KILLED, str(last), when]
        died = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert died.returncode == code, died.stderr
    with connect(str(tmp_path / "agent.db")) as db:
        events = [record.event for record in db.read(RUN)]
        steps = [event.step for event in events if not isinstance(event, ToolBegun)]
        assert steps == [0, 1, 2, 3, 4, 5]
        assert (UNKNOWN in db.load(RUN).answer) == (calls == 4)
    sent = (tmp_path / "sent.txt").read_text() if (tmp_path / "sent.txt").exists() else ""
    assert sent == ("" if (calls, when) == (4, "before") else "o-7 100\n")


def test_two_processes_take_no_step_twice() -> None:
    with connect() as db:
        shop = Shop({"o-7": 100})
        db.execute(ask(RUN, step=0, prompt=PROMPT))

        others = [go_on]

        def hurried(messages: Sequence[Message], tools: Mapping[str, Tool]) -> Reply:
            reply = scripted(messages, tools)
            while others:  # while this model thinks, another process takes every step
                others.pop()(db, "r-1", scripted, shop.tools())
            return reply

        assert go_on(db, "r-1", hurried, shop.tools()).answer.startswith("Done")
        assert shop.sent == [("o-7", 100)]


def test_a_run_that_nobody_began_has_no_reply() -> None:
    with connect() as db, pytest.raises(Refused):
        db.execute(note_reply(RUN, step=0, reply=Reply("hello")))
