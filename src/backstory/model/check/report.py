"""Findings as data, and as workflow commands of GitHub."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from backstory.model.check.checking import Checked
from backstory.model.check.findings import Finding
from backstory.told import plain


def findings_document(found: Iterable[Finding]) -> list[dict[str, Any]]:
    """Findings for `--json`."""
    return [
        {
            "code": one.code,
            "element": one.element,
            "file": one.place and one.place.file,
            "line": one.place and one.place.line,
            "what": one.what,
            "why": one.rule.why,
            "mend": one.rule.mend,
        }
        for one in found
    ]


def check_document(app: str, done: Checked) -> dict[str, Any]:
    """The result of a check for `--json`."""
    silenced = findings_document(finding for finding, _ in done.silenced)
    return {
        "app": app,
        "sound": not done.findings,
        "findings": findings_document(done.findings),
        "silenced": [
            {**one, "reason": reason} for one, (_, reason) in zip(silenced, done.silenced, strict=True)
        ],
    }


def annotation(finding: Finding) -> str:
    """A finding as GitHub's runner reads it: `::error file=...,line=...,title=...::...`."""
    properties = {"title": finding.code}
    if finding.place is not None:
        properties = {"file": finding.place.file, "line": str(finding.place.line), **properties}
    named = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    return f"::error {named}::{_message(f'{finding.what}. {finding.rule.why} {finding.rule.mend}')}"


def _message(text: str) -> str:
    return plain(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _message(text).replace(":", "%3A").replace(",", "%2C")
