"""What an endpoint does, whatever serves it: requests to commands and questions, states and errors to answers.

Nothing here imports a framework. The part for a framework makes its own response of an `Answer`, and has the database
of the application as a `Served`.
"""
