"""The verbs of `Database`, by theme. Each module has one class of them, over `Held`; `Database` is all of them.

`scripts/async_face.py` makes the awaited verbs of `AsyncDatabase` from these.
"""
