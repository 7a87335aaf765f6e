"""The tools that ask history, and those about the application."""

from __future__ import annotations

import pytest

from tests.mcp.conftest import Connected, Office

pytestmark = pytest.mark.anyio


async def test_diff_is_of_a_state_of_all_of_a_kind_or_of_commits(connected: Connected) -> None:
    async with connected() as asked:
        one = await asked.ask("diff", a="main~2", state="Ticket", id="t-1")
        assert {each["path"] for each in one["changes"]} == {"/cents", "/is_valid"}
        every = await asked.ask("diff", a="main~2", state="Ticket", all=True)
        assert [each["identity"]["ticket"] for each in every["states"]] == ["t-2", "t-1"]
        commits = await asked.ask("diff", a="main~2")
        assert (len(commits["added"]), commits["removed"], commits["differs"]) == (2, [], True)
        few = await asked.ask("diff", a="HEAD", b="#0", limit=1)
        assert (len(few["removed"]), few["added"]) == (1, [])
        assert few["left_out"] == ["more removed: ask log for #0..HEAD"]


async def test_blame_names_the_commit_of_each_field(connected: Connected) -> None:
    async with connected() as asked:
        found = await asked.ask("blame", state="Ticket", id="t-1")
        givers = {each["path"]: each["position"] for each in found["parts"]}
        assert (givers["/seat"], givers["/is_valid"]) == (1, 4)


async def test_bisect_finds_each_turn_of_one_state_or_of_all_and_goes_on(connected: Connected) -> None:
    async with connected() as asked:
        one = await asked.ask("bisect", state="Ticket", id="t-1", where="is_valid")
        assert [(each["position"], each["holds"]) for each in one["turns"]] == [(1, True), (4, False)]
        turns, cursor = [], None
        for _ in range(3):
            page = await asked.ask(
                "bisect", state="Ticket", all=True, where="is_valid", limit=1, cursor=cursor
            )
            turns += [(each["position"], each["identity"]["ticket"]) for each in page["turns"]]
            cursor = page["cursor"]
        assert turns == [(1, "t-1"), (3, "t-2"), (4, "t-1")]
        assert cursor is None


async def test_a_condition_is_never_code(connected: Connected) -> None:
    async with connected() as asked:
        for where in ("__import__('os').system('true')", "cents.__class__", "open('x')", "[x for x in ()]"):
            assert await asked.wrong("bisect", state="Ticket", id="t-1", where=where)
            assert await asked.wrong("find", state="Ticket", where=where)


async def test_find_sorts_counts_and_goes_on(connected: Connected) -> None:
    async with connected() as asked:
        first = await asked.ask("find", state="Ticket", sort=["-cents"], limit=1, count=True)
        assert first["total"] == 2
        assert [each["identity"]["ticket"] for each in first["states"]] == ["t-2"]
        then = await asked.ask("find", state="Ticket", sort=["-cents"], limit=1, cursor=first["cursor"])
        assert [each["identity"]["ticket"] for each in then["states"]] == ["t-1"]
        assert then["cursor"] is None


async def test_nothing_can_be_asked_about_a_value_that_is_masked(connected: Connected) -> None:
    async with connected() as asked:
        for tool, given in (
            ("find", {"where": "holder == 'HOLDER-canary'"}),
            ("find", {"sort": ["holder"]}),
            ("bisect", {"id": "t-1", "where": "holder == 'HOLDER-canary'"}),
        ):
            assert "is marked" in await asked.wrong(tool, state="Ticket", **given)
        assert "is marked" in await asked.wrong("log", having="holder=HOLDER-canary", of=["Ticket", "t-1"])


async def test_model_has_a_part_or_one_element_and_what_the_store_has_seen(
    connected: Connected, office: Office
) -> None:
    async with connected() as asked:
        commands = await asked.ask("model", part="commands")
        assert {each["id"] for each in commands["commands"]} == {
            "command:sell",
            "command:name_holder",
            "command:void",
        }
        assert commands["counts"]["events"] == 3
        element = await asked.ask("model", id="command:void")
        assert [each["code"] for each in element["element"]["refuses"]] == ["invalid"]
        seen = await asked.ask("model", part="observed")
        assert {each["command"]: each["events"] for each in seen["observed"] if "command" in each}[
            "sell"
        ] == 2
        assert "did you mean command:void or" in await asked.wrong("model", id="command:viod")
        office.do("sell", "t-3", "A 3", 900)
        assert (await asked.ask("model", part="observed"))["position"] == 5
        office.db.table("rooms").insert("r-1", {"seats": 5})
        assert [each["name"] for each in (await asked.ask("model", part="tables"))["tables"]] == ["rooms"]


async def test_check_projections_and_guide_answer(connected: Connected) -> None:
    async with connected() as asked:
        assert {each["code"] for each in (await asked.ask("check"))["findings"]}
        [kept] = (await asked.ask("projections"))["projections"]
        assert (kept["state"], kept["lag"]) == ("never run", 4)
        assert (await asked.ask("guide"))["topics"][0]["name"] == "model"
        assert "Refused" in (await asked.ask("guide", topic="decide"))["text"]


async def test_a_slice_is_given_as_text_and_written_nowhere(connected: Connected, office: Office) -> None:
    before = sorted(office.folder.rglob("*"))
    async with connected() as asked:
        found = await asked.ask(
            "scaffold_slice", name="refund-ticket", gives="TicketRefunded", fields=["ticket"]
        )
        assert found["written"] is False
        assert all(each["path"].startswith("office/refund_ticket/") for each in found["files"])
        for name in ("../evil", "/etc/passwd", "a/b", "a.b", ""):
            assert await asked.wrong("scaffold_slice", name=name, gives="X")
    assert sorted(office.folder.rglob("*")) == before
