"""The local run: the real template and package on emulators, with a strict stand-in for Slack.

Nothing here ships. `python -m sandbox` starts it; docs/sandbox.md describes it.
"""
