from __future__ import annotations

from evals.checking import answer, check

TRUTH = {"a": "table", "b": "table-mode", "c": "events", "d": "elsewhere"}


def each_case_has_its_choice() -> str | None:
    found = answer()
    wrong = [case for case, choice in TRUTH.items() if found.get(case, {}).get("choice") != choice]
    return f"another choice fits better: {', '.join(wrong)}" if wrong else None


def each_choice_has_its_reason() -> str | None:
    found = answer()
    bare = [case for case in TRUTH if len(str(found.get(case, {}).get("why", "")).split()) < 4]
    return f"no sentence says why: {', '.join(bare)}" if bare else None


check(each_case_has_its_choice, each_choice_has_its_reason)
