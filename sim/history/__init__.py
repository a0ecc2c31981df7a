"""Histories: what people, AWS, the queue and chance do to one deployment, as a list of steps.

A seed is a list of plain values (`seeds`), carried out on a `stage` one after the other (`acts`);
after each step every promise is looked at (sim/promises.py). `play` does that, and shortens a list
that breaks a promise. `python -m sim.history --seeds 1000` plays many.
"""
