"""A run, and what its log is good for."""

from __future__ import annotations

from backstory import connect
from examples.agent.again import fork, replay
from examples.agent.agent import go_on
from examples.agent.model import scripted
from examples.agent.run import Run, ask, begin_tool, note_reply
from examples.agent.said import Call, Reply
from examples.agent.tools import Shop

R1, R2 = Run("r-1"), Run("r-2")

with connect() as db:
    shop = Shop({"o-7": 4500, "o-8": 900})
    db.execute(ask(R1, step=0, prompt="The lamp of o-7 is broken. Pay it back."), author="ann")
    print(go_on(db, "r-1", scripted, shop.tools()).answer)

    print("\nevery step of r-1")
    for record in db.read(R1):
        print(f"  #{record.position} {record.author:8} {record.event}")
    print(f"replayed, and nothing was called: {replay(db, 'r-1') == [each.event for each in db.read(R1)]}")

    half = fork(db, "r-1", 0, "The lamp of o-7 has a scratch. Pay half of it back.", "half")
    unpaid = fork(db, "r-1", 2, "o-7 was never paid", "unpaid")
    for branch in half, unpaid:
        trial = Shop(shop.paid)
        print(f"\non the branch {branch.name}: {go_on(branch, 'r-1', scripted, trial.tools()).answer}")
    for change in db.diff("half", "unpaid", R1).changes:
        if change.pointer == "/answer":
            print(f"  {change.before} -> {change.after}")

    db.execute(ask(R2, step=0, prompt="Pay o-8 back."), author="bob")
    db.execute(note_reply(R2, step=1, reply=Reply(call=Call("pay_back", {"order": "o-8", "cents": 900}))))
    db.execute(begin_tool(R2, step=2))  # and here the program dies
    print(f"\nr-2, after a crash: {go_on(db, 'r-2', scripted, shop.tools()).answer}")
    print(f"sent: {shop.sent}")
