"""The work of an endpoint in any framework: requests become commands and questions, states and errors become answers.

Nothing here imports a framework. The part for a framework makes its own response of an `Answer`, and has the database
of the application as a `Served`.
"""
