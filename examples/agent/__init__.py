"""An agent whose steps are events: it can be replayed, blamed, forked at any step, and resumed after a crash."""
