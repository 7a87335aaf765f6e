"""`backstory check`: findings about the event model of an application."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Run

pytestmark = pytest.mark.usefixtures("application")

SILENT = """\
[[tool.backstory.check.silence]]
code = "{}"
element = "{}"
reason = "{}"
"""


def silence(application: Path, code: str, element: str, reason: str = "a reason", more: str = "") -> None:
    """Add a silence to the bank's project."""
    with (application.parent / "pyproject.toml").open("a", encoding="utf-8") as file:
        file.write(SILENT.format(code, element, reason) + more)


def test_a_finding_has_its_line_its_reason_and_the_way_out(run: Run) -> None:
    ran = run("check", "--no-store")
    assert (ran.code, ran.err) == (1, "")
    assert (
        "bank.py:50 BM001 nobody reads Noted\n"
        "    element  event:Noted\n"
        "    why      It is written for ever, and nothing that the application shows or decides would be different"
        " without it.\n"
    ) in ran.out
    assert ran.out.endswith("findings in 6 events, 5 commands\n")


def test_the_document_has_the_same(run: Run) -> None:
    found = run("check", "--json").json
    assert found == run("check", "--format", "json").json
    assert (found["kind"], found["app"], found["sound"], found["silenced"]) == ("check", "bank", False, [])
    [noted] = [one for one in found["findings"] if one["element"] == "event:Noted"]
    assert (noted["code"], noted["file"], noted["line"]) == ("BM001", "bank.py", 50)
    assert noted["mend"]


def test_github_shows_findings_at_their_lines(run: Run) -> None:
    ran = run("check", "--format", "github", "--no-store")
    assert ran.code == 1
    first = next(line for line in ran.out.splitlines() if "Noted" in line)
    assert first.startswith("::error file=bank.py,line=50,title=BM001::nobody reads Noted. It is written")
    assert all(line.startswith("::error ") for line in ran.out.splitlines())


def test_a_finding_is_silenced_by_code_and_element_with_a_reason(run: Run, application: Path) -> None:
    before = run("check", "--json", "--no-store").json["findings"]
    silence(application, "BM001", "event:Noted", "kept for the auditors")
    found = run("check", "--json", "--no-store").json
    assert len(found["findings"]) == len(before) - 1
    assert [(one["element"], one["reason"]) for one in found["silenced"]] == [
        ("event:Noted", "kept for the auditors")
    ]
    assert run("check", "--no-store").out.endswith("; 1 silenced\n")


def test_a_silence_that_silences_nothing_is_a_finding(run: Run, application: Path) -> None:
    silence(application, "BM001", "event:Deposited")
    silence(application, "BM001", "event:Gone", more='app = "another"\n')
    found = run("check", "--json", "--no-store").json["findings"]
    assert [(one["code"], one["element"]) for one in found if one["code"] == "BM017"] == [
        ("BM017", "event:Deposited")
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (SILENT.format("BM999", "event:Noted", "x"), "silences BM999, which is no code"),
        (SILENT.format("BM001", "event:Noted", " "), "without a reason"),
        ('[tool.backstory.check]\nsilence = "all"\n', "Expected `array`"),
        ("[tool.backstory.check]\nquiet = true\n", "quiet"),
        ('[[tool.backstory.check.silence]]\ncode = "BM001"\n', "missing required field `element`"),
    ],
)
def test_settings_that_are_not_understood_are_named(
    run: Run, application: Path, text: str, words: str
) -> None:
    with (application.parent / "pyproject.toml").open("a", encoding="utf-8") as file:
        file.write(text)
    ran = run("check", "--no-store")
    assert ran.code == 2
    assert words in ran.err
    assert "pyproject.toml" in ran.err


def test_what_is_sound_is_0(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tiny_check.py").write_text(
        "from backstory import Event, State, Tag\nclass TinyRung(Event):\n    bell: Tag[str]\n"
        "class TinyBell(State):\n    bell: Tag[str]\n    def apply(self, event: TinyRung) -> None: ...\n"
        "def ring(db):\n    db.append(TinyRung('b'))\n",
        encoding="utf-8",
    )
    monkeypatch.chdir(tmp_path)
    ran = run("check", "--app", "tiny_check", "--no-store")
    assert (ran.code, ran.out) == (0, "sound: 0 findings in 1 event, 0 commands\n")


def test_the_store_is_looked_at_and_the_schema_lock_too(run: Run, application: Path) -> None:
    found = {(one["code"], one["element"]) for one in run("check", "--json").json["findings"]}
    assert ("BM014", "command:gone") not in found
    assert run("schema", "lock").code == 0
    lock = application.parent / "events.lock"
    lock.write_text(lock.read_text(encoding="utf-8").replace('"percent"', '"rate"'), encoding="utf-8")
    [broken] = [one for one in run("check", "--json").json["findings"] if one["code"] == "BM015"]
    assert (broken["element"], broken["file"]) == ("event:RateChanged", "bank.py")
    assert "percent" in broken["what"]


def test_the_rules_are_listed_without_an_application(run: Run) -> None:
    assert run("check", "--rules").out.startswith("BM001 an event that nobody reads\n")
    assert len(run("check", "--rules", "--json").json["rules"]) == 18


def test_json_and_github_are_two_forms(run: Run) -> None:
    assert run("check", "--json", "--format", "github").code == 2
