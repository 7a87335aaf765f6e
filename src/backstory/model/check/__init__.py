"""Findings about the event model of an application: what is missing, in vain, or not as the store has seen it."""

from __future__ import annotations

from backstory.model.check.checking import Checked, check, silences_of
from backstory.model.check.findings import RULES, Finding, Rule, Silence

__all__ = ["RULES", "Checked", "Finding", "Rule", "Silence", "check", "silences_of"]
