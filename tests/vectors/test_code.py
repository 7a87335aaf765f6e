"""The code still writes the vectors that are published."""

from __future__ import annotations

from tests.vectors.make import PATH, text


def test_the_published_vectors_are_what_the_code_computes() -> None:
    assert PATH.read_text(encoding="utf-8") == text(), (
        "the format changed: see docs/design/format.md, The vectors"
    )
