"""An MCP server: an assistant reads the history of a store, and asks it, by the same rules as a person.

    from backstory.mcp import Served, server

    served = Served(db, application, scope=Scope(tags=("order:*",)))
    run(served)                          # over standard input and output

`backstory mcp` is the same on the command line. Every tool reads; one that appends is there only if the server was
told under which name. Answers are bounded, masked as pages are, and marked as data. The extra `mcp` brings the SDK.
"""

from backstory.told import extra

extra("mcp", "backstory.mcp", "mcp")

from backstory.mcp.served import Served  # noqa: E402 - only where the extra is there
from backstory.mcp.server import server  # noqa: E402
from backstory.mcp.serving import run, run_http  # noqa: E402

__all__ = ["Served", "run", "run_http", "server"]
