"""What a command is to a case: its arguments, and what it does to a store.

A command is made for a world, the store's state before any kill, and then has the same arguments
whatever became of the commands before it. `effect` says what a state becomes, or that the command must refuse it;
`halves` says which other states a command that was cut off may leave.
"""
import random


class Command:
    """One run of the command."""

    commits_once = True

    def __init__(self, name, slot, seed, world, folder):
        self.name, self.slot, self.seed, self.world = name, slot, seed, world
        self.folder, self.store = folder, folder + "/s"
        self.random = random.Random(f"{seed}/{slot}/{name}")
        self.prepare()

    def prepare(self):
        pass

    def arguments(self):
        raise NotImplementedError

    def effect(self, state):
        return state

    def halves(self, state):
        return []

    def file(self, ending, text):
        path = f"{self.folder}/{self.slot}.{ending}"
        with open(path, "w") as out:
            out.write(text)
        return path


def people_of(state, view="stats"):
    return sorted({key[0] for key, _, _ in state.views[view].rows.values()}) if view in state.views else []
