"""A rent is paid, a loan is refused, and a question is tried out."""

from __future__ import annotations

from backstory import Refused, connect
from examples.bank.account import Account
from examples.bank.deposit import deposit
from examples.bank.transfer import transfer
from examples.bank.withdraw import withdraw

ANN, BOB = Account("ann"), Account("bob")

with connect() as db:
    db.execute(deposit(ANN, cents=900_00), author="ann", message="salary")
    db.execute(transfer(ANN, BOB, cents=650_00), author="ann", message="rent for March")
    try:
        db.execute(withdraw(ANN, cents=300_00), author="ann")
    except Refused as refused:
        print(f"refused: {refused}, there are {refused.details['balance']} cents")

    for commit in db.commits():
        print(f"#{commit.position} {commit.author}: {commit.message}")
    print(f"ann has {db.load(ANN).balance}; had {db.load(ANN, at=1).balance} before the rent")
    with db.what_if() as trial:
        trial.execute(withdraw(ANN, cents=240_00), message="a bicycle?")
        print(f"ann would have {trial.load(ANN).balance} left after a bicycle")
