from __future__ import annotations

from evals.history import library, months

with library() as here:
    months(here, 140)
