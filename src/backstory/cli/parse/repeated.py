"""The options of this command line that a command line in a hint needs, too: a hint can be pasted as it stands."""

from __future__ import annotations

from collections.abc import Callable, Sequence

STORE, BRANCH = "--store", "--branch"

SHORT = {"-s": STORE, "-b": BRANCH}

OWN = ("--app", "--lock")
"""Options that only some verbs have; they are repeated for these."""

NAMES_STORE = ("init", "clone")
"""Verbs whose words name a store, so that no option has to."""

GOES_TO_BRANCH = ("switch", "merge")
"""Verbs that go to another branch, or that end what a folder has begun: `-b` would lead away from there."""


def repeated(
    words: Sequence[str], hint: Sequence[str], options_of: Callable[[str], set[str]]
) -> Sequence[str]:
    """The words of a hint with the options of a command line; `options_of` gives those that a verb has.

    For `--help` only the application is repeated, which has the commands of `do`.
    """
    verb, *others = hint
    given = given_options(words)
    if verb.startswith("-") or not given:
        return hint
    helps = others[-1:] == ["--help"]
    before = []
    if STORE in given and verb not in NAMES_STORE and not helps:
        from backstory.stores import shown

        before += ["-s", shown(given[STORE])]
    if BRANCH in given and verb not in (*NAMES_STORE, *GOES_TO_BRANCH) and not helps:
        before += ["-b", given[BRANCH]]
    wanted = [name for name in OWN if name in given and (verb == "do" or not helps)]
    known = options_of(verb) if wanted else set()
    after = [word for name in wanted if name in known for word in (name, given[name])]
    return [*before, verb, *after, *others]


def given_options(words: Sequence[str]) -> dict[str, str]:
    """The values of these options on a command line that may be wrong otherwise."""
    given = {}
    rest = iter(words)
    for word in rest:
        if word == "--":
            break
        short = SHORT.get(word[:2])
        name, equals, value = word.partition("=")
        if short and len(word) > 2:
            given[short] = word[2:]
        elif (short or name) in (STORE, BRANCH, *OWN):
            given[short or name] = value if equals else next(rest, "")
    return {name: value for name, value in given.items() if value}
