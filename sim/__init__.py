"""The world in memory, for the tests and the local run; nothing here ships."""
