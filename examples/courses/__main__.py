"""One seat, two students, and what each decision relied on."""

from __future__ import annotations

from backstory import Refused, connect
from backstory.subject import subject_of
from examples.courses.course import Course, open_course
from examples.courses.enrol import enrol
from examples.courses.leave import Enrolment, leave
from examples.courses.student import Student, register

MATHS = Course("maths")

with connect() as db:
    db.execute(open_course(MATHS, capacity=1))
    for name in "ann", "bob":
        db.execute(register(Student(name)))
    for name in "ann", "bob":
        try:
            db.execute(enrol(MATHS, Student(name)))
            print(f"{name} is in")
        except Refused as refused:
            print(f"{name} is not: {refused}")
    db.execute(leave(Enrolment("maths", "ann")))
    db.execute(enrol(MATHS, Student("bob")))
    print("ann leaves, and bob is in")

    for commit in db.commits():
        relied_on = commit.condition.query.clauses if commit.condition else ()
        print(f"\n#{commit.position} {subject_of(db.log, commit)}")
        for clause in relied_on:
            print(f"   read {', '.join(clause.tags)}")
