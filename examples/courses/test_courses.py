"""Courses with a capacity, students with a limit."""

from __future__ import annotations

from backstory.testing import every_order, given
from backstory.values.codec import PLAIN
from examples.courses.course import Course, open_course, resize
from examples.courses.enrol import enrol
from examples.courses.events import CourseOpened, CourseResized, Enrolled, Left, StudentRegistered
from examples.courses.leave import Enrolment, leave
from examples.courses.student import Student, register

MATHS, ANN = Course("maths"), Student("ann")


def test_a_course_opens_once() -> None:
    given().when(open_course(MATHS, 2)).then(CourseOpened("maths", 2)).when(
        open_course(MATHS, 2)
    ).then_refused("open already")


def test_a_student_registers_once() -> None:
    registered = given().when(register(ANN)).then(StudentRegistered("ann"))
    registered.when(register(ANN)).then_refused("registered already")


def test_a_student_takes_a_seat() -> None:
    (
        given(CourseOpened("maths", 2), StudentRegistered("ann"))
        .when(enrol(MATHS, ANN))
        .then(Enrolled("maths", "ann"))
        .then_state(Course("maths", capacity=2, taken=1), Student("ann", registered=True, courses={"maths"}))
    )


def test_only_one_seat_each() -> None:
    (
        given(CourseOpened("maths", 2), StudentRegistered("ann"), Enrolled("maths", "ann"))
        .when(enrol(MATHS, ANN))
        .then_refused("enrolled already")
    )


def test_a_full_course_is_full() -> None:
    (
        given(CourseOpened("maths", 1), StudentRegistered("ann"), Enrolled("maths", "bob"))
        .when(enrol(MATHS, ANN))
        .then_refused("the course is full", capacity=1)
    )


def test_until_somebody_leaves() -> None:
    (
        given(
            CourseOpened("maths", 1), StudentRegistered("ann"), Enrolled("maths", "bob"), Left("maths", "bob")
        )
        .when(enrol(MATHS, ANN))
        .then(Enrolled("maths", "ann"))
    )


def test_three_courses_are_enough() -> None:
    enrolled = [Enrolled(course, "ann") for course in ("art", "biology", "chemistry")]
    (
        given(CourseOpened("maths", 1), StudentRegistered("ann"), *enrolled)
        .when(enrol(MATHS, ANN))
        .then_refused("too many courses", limit=3)
    )


def test_both_must_exist() -> None:
    given(StudentRegistered("ann")).when(enrol(MATHS, ANN)).then_refused("no such course")
    given(CourseOpened("maths", 1)).when(enrol(MATHS, ANN)).then_refused("no such student")


def test_a_course_does_not_shrink_below_its_students() -> None:
    taken = given(CourseOpened("maths", 3), Enrolled("maths", "ann"), Enrolled("maths", "bob"))
    taken.when(resize(MATHS, 2)).then(CourseResized("maths", 2))
    taken.when(resize(MATHS, 1)).then_refused("more seats are taken", taken=2)
    taken.when(resize(MATHS, 3)).then_nothing()


def test_only_what_is_open_is_resized() -> None:
    given().when(resize(MATHS, 2)).then_refused("no such course")


def test_one_leaves_what_one_is_in() -> None:
    place = Enrolment("maths", "ann")
    left = given(Enrolled("maths", "ann")).when(leave(place)).then(Left("maths", "ann"))
    left.when(leave(place)).then_refused("not enrolled")


def test_those_who_leave_are_in_nobodys_way() -> None:
    boundary = leave(Enrolment("maths", "ann")).query
    assert not boundary.matches(PLAIN.encode(Left("maths", "bob")))
    assert not boundary.matches(PLAIN.encode(Left("physics", "ann")))


def test_of_all_who_want_the_last_seat_one_gets_it() -> None:
    names = ["ann", "bob", "eve"]
    rivals = [enrol(MATHS, Student(name)) for name in names]
    for order in every_order(rivals, given=[CourseOpened("maths", 1), *map(StudentRegistered, names)]):
        assert order.accepted == order.accepted[:1]
        assert {refused.code for _, refused in order.refused} == {"the course is full"}


def test_nothing_is_overbooked_or_overloaded_in_any_order() -> None:
    courses = [Course(name) for name in ("art", "biology", "chemistry", "maths")]
    opened = [CourseOpened(course.course, 2) for course in courses]
    every_order(
        [*(enrol(course, ANN) for course in courses), resize(MATHS, 1), enrol(MATHS, Student("bob"))],
        given=[*opened, StudentRegistered("ann"), StudentRegistered("bob")],
        limit=100,
    )
