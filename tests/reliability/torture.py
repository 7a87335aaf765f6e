"""Rules that overlap, and a process whose threads decide at random on them: what `test_torture` runs several of.

Run as `python -m tests.reliability.torture FILE SEED THREADS ROUNDS`; prints what it was told as one JSON document.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec

from backstory import Command, Conflict, Database, Event, Refused, State, Tag, command, connect
from backstory.values.ids import new_id

ACCOUNTS = ["a-0", '"account:a-0', "a-1", '["account:a-1', 'a-1"']
COURSES = ["c-0", '"course:c-0', "c-1", '"student:s-0']
STUDENTS = [f"s-{number}" for number in range(5)] + ['"student:s-0', '"course:c-0', '\\"student:s-1']
"""Some are named so that in the text of their tags there stands the tag of another one."""

PLACES = 5
MOST_COURSES = 2


class Paid(Event, name="torture.paid"):
    """Money that came in, or went out where `cents` is negative."""

    account: Tag[str]
    cents: int


class Invoiced(Event, name="torture.invoiced"):
    account: Tag[str]
    number: int


class Enrolled(Event, name="torture.enrolled"):
    course: Tag[str]
    student: Tag[str]


class Left(Event, name="torture.left"):
    course: Tag[str]
    student: Tag[str]


class Account(State):
    account: Tag[str]
    balance: int = 0
    invoices: list[int] = []

    def apply(self, event: Paid | Invoiced) -> None:
        match event:
            case Paid(cents=cents):
                self.balance += cents
            case Invoiced(number=number):
                self.invoices.append(number)


class Numbers(State):
    """The one that everybody wants."""

    last: int = 0

    def apply(self, event: Invoiced) -> None:
        self.last = event.number


class Course(State):
    course: Tag[str]
    students: set[str] = set()

    def apply(self, event: Enrolled | Left) -> None:
        if isinstance(event, Enrolled):
            self.students.add(event.student)
        else:
            self.students.discard(event.student)


class Student(State):
    student: Tag[str]
    courses: set[str] = set()

    def apply(self, event: Enrolled | Left) -> None:
        if isinstance(event, Enrolled):
            self.courses.add(event.course)
        else:
            self.courses.discard(event.course)


@command
def deposit(account: Account, cents: int) -> Paid:
    return Paid(account.account, cents)


@command
def transfer(source: Account, target: Account, cents: int) -> Iterator[Paid]:
    if source.account == target.account or source.balance < cents:
        raise Refused("not enough")
    yield Paid(source.account, -cents)
    yield Paid(target.account, cents)


@command
def invoice(account: Account, numbers: Numbers) -> Iterator[Paid | Invoiced]:
    """A fee that there must be money for, and a number that follows the last one of all accounts."""
    if account.balance < 1:
        raise Refused("not enough")
    yield Paid(account.account, -1)
    yield Invoiced(account.account, numbers.last + 1)


@command
def enrol(course: Course, student: Student) -> Enrolled | None:
    if course.course in student.courses:
        return None
    if len(course.students) >= PLACES:
        raise Refused("full")
    if len(student.courses) >= MOST_COURSES:
        raise Refused("too many courses")
    return Enrolled(course.course, student.student)


@command
def leave(course: Course, student: Student) -> list[Left]:
    return [Left(course.course, student.student)] if course.course in student.courses else []


COMMANDS = {kind.name: kind for kind in (deposit, transfer, invoice, enrol, leave)}


class Told(msgspec.Struct):
    """What the database told one thread: the commits that it made, and the balances that it saw of the past."""

    commits: dict[str, int] = {}
    refused: int = 0
    nothing: int = 0
    conflicts: int = 0
    seen: list[tuple[str, int, int]] = []


def choose(chance: random.Random) -> Command:
    """One command at random."""
    account, course, student = chance.choice(ACCOUNTS), chance.choice(COURSES), chance.choice(STUDENTS)
    match chance.randrange(10):
        case 0 | 1:
            return deposit(Account(account), chance.randint(1, 20))
        case 2 | 3:
            return transfer(Account(account), Account(chance.choice(ACCOUNTS)), chance.randint(1, 30))
        case 4 | 5:
            return invoice(Account(account), Numbers())
        case 6 | 7 | 8:
            return enrol(Course(course), Student(student))
        case _:
            return leave(Course(course), Student(student))


def work(db: Database, chance: random.Random, rounds: int) -> Told:
    """Decide at random, and look at the past between."""
    told = Told()
    for _ in range(rounds):
        made, id = choose(chance), new_id()
        try:
            commit = db.execute(made, id=id, attempts=500)
        except Refused:
            told.refused += 1
        except Conflict:
            told.conflicts += 1
        else:
            if commit is None:
                told.nothing += 1
            else:
                told.commits[commit.id] = commit.position
                if chance.random() < 0.2:
                    assert db.execute(made, id=id) == commit
        if chance.random() < 0.2:
            name, position = chance.choice(ACCOUNTS), chance.randint(0, db.head().position)
            told.seen.append((name, position, db.load(Account(name), at=position).balance))
    return told


def main(path: str, seed: int, threads: int, rounds: int) -> list[Told]:
    """Run the threads of one process."""
    with connect(path) as db, ThreadPoolExecutor(threads) as pool:
        runs: list[Any] = [
            pool.submit(work, db, random.Random(f"{seed}/{number}"), rounds) for number in range(threads)
        ]
        return [run.result() for run in runs]


if __name__ == "__main__":
    told = main(sys.argv[1], *map(int, sys.argv[2:]))
    sys.stdout.write(msgspec.json.encode(told).decode())
