"""Small programs to read: each folder is one, runs with `python -m examples.NAME`, and has its tests beside it."""
