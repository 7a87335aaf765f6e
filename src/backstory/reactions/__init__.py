"""Reactions: code that runs once for each event, in one store only, and gives commands.

A projection changes tables, and may be made anew at any time. A reaction does something that cannot be taken back: it
sends a mail, and notes in the log that it did. So its checkpoint is written in one unit with the commands that it gave,
and it is never run again for an event that it has passed.

    right      the store that may react: `backstory.right`, below
    keep       checkpoints, leases and parked events, as refs of the store
    declare    what people write: `@reaction`
    process    states that react, and their deadlines
    calls      functions at work, one or several at once; `loop`: those that are async
    delivery   one event, from the function to the unit that is written
    post       a reaction that is run here, event by event
    operate    looking after reactions
"""
