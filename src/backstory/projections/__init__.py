"""Projections: tables made from events, each event once, and in the order of the log.

| module | what it has |
|---|---|
| `projection` | `Projection`, which people write, and groups of them, compiled |
| `values` | values of Python as a database takes them |
| `applying` | a batch of events, applied to the tables of a group |
| `catalog` | the rows that say how far a group is, who feeds it, and what is parked |
| `homes` | where the tables of a group lie; `names` and `files` serve it |
| `elsewhere` | other databases than the log's |
| `source` | the events of main, for those who feed a group |
| `feed` | one step of a group: read, apply, move |
| `inline` | a store whose appends bring inline groups up to date |
| `materialize`, `where`, `find`, `count`, `cursor` | a state class as a table, and questions to it |
| `building` | tables brought to the end of the log here, or made anew beside |
| `fold` | tables that are made from a whole log at once, and kept by nobody |
| `views` | the groups that a database knows: reading rows, waiting |
| `runner` | feeds groups in the background |
| `operate` | where groups stand; pausing, resuming, retrying, leaving out |
| `check` | tables, compared with what their events say |
"""
