"""Scopes: what a reader may see of a history, and may ask about it.

    seen = scoped(db, Scope(tags=("order:*",), types=("OrderPlaced", "Paid"), hidden=("email",)))
    seen.load(Order("o-1"))

The scope holds for questions as for answers: what is outside is refused, and not answered with less.
`docs/design/scope.md` has the rules, and the reasons.
"""

from __future__ import annotations

from backstory.scope.database import ScopedDatabase, scoped
from backstory.scope.log import ScopedLog
from backstory.scope.rule import Scope
from backstory.scope.store import ScopedStore

__all__ = ["Scope", "ScopedDatabase", "ScopedLog", "ScopedStore", "scoped"]
