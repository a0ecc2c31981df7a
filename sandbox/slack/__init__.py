"""A strict stand-in for Slack: its Web API, its signed requests, and a page that looks like it."""
