"""Mutated requests at the door, some of them signed: a command and a library of the tests."""
