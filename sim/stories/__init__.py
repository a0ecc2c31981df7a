"""The stories: each chapter of what people do with machines, told act by act."""

from sim.stories.choices import CHOICES
from sim.stories.machines import MACHINES
from sim.stories.people import PEOPLE
from sim.stories.telling import Story

STORIES: tuple[Story, ...] = (*MACHINES, *PEOPLE, *CHOICES)

__all__ = ["STORIES", "Story"]
