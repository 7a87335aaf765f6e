"""A program that runs an outbox until it is killed: python -m tests.outbox.sender STORE FILE"""

from __future__ import annotations

import sys
import time

from backstory import connect
from backstory.outbox import Jsonl

if __name__ == "__main__":
    with connect(sys.argv[1]) as db, db.run(Jsonl("archive", sys.argv[2], after=0), lease=0.5):
        print("runs", flush=True)
        time.sleep(600)
