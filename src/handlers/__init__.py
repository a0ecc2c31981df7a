"""The doors: each turns one kind of event into a call of a flow, and decides nothing."""
