"""Tables of rows: the events, the state and the command that plain rows need, made for each table by its name.

`docs/design/tables.md` says why they are so; `backstory.table` is what users hold.
"""
