"""A decision as a test."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from backstory.documents.causes import brief_document
from backstory.documents.states import reference_document

if TYPE_CHECKING:
    from backstory.decide.state import State
    from backstory.history.spec.make import Spec
    from backstory.subject import Subjects


def spec_document(reference: State, spec: Spec, subjects: Subjects) -> dict[str, Any]:
    """The text of a test, the commit that it is about, and whether it passes as it stands."""
    return {
        **reference_document(reference),
        "commit": brief_document(spec.commit, subjects),
        "text": spec.text,
        "passes": spec.passes,
        "why": spec.why,
        "matters": spec.matters,
        "replaced": spec.replaced,
        "unrecorded": spec.unrecorded,
    }
