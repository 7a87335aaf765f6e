"""The canonical problems of https://dcb.events/examples/, each in one file, with its test beside it."""
