from __future__ import annotations

from evals.checking import ran
from evals.history import library, months

with library() as here:
    months(here, 60)
ran("backstory", "run", "--once")
