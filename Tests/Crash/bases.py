"""The stores that cases begin with. Each is made by commands that nothing harms."""
from commands import COMMANDS
from model import State

BASES = {
    # A store of a first day.
    "small": ["apply-base", "import-new", "import-visits", "import-places", "tag-base", "import-old"],
    # The next import of `stats` is the eighth small one, and folds.
    "grown": ["apply-base", "import-new", "import-visits", "import-places", "import-news", "import",
              "tag-base", "import", "import-visits", "import", "put", "materialize", "import",
              "put-visits", "import", "put", "import"],
    # Much has happened: an erasure, renames, cold segments, a tag that holds what the newest state lacks.
    "worn": ["apply-base", "import-many", "import-visits", "import-places", "import-news", "apply-rename",
             "import", "materialize", "tag-base", "put", "forget", "compact-cold", "import", "import-visits",
             "apply-add", "expire", "materialize", "import", "put", "put-visits", "compact-all"]}


def build(name, seed, folder, run):
    """Makes a base in the folder and returns its state."""
    state = State(name)
    for slot, command in enumerate(BASES[name], start=1):
        made = COMMANDS[command](command, slot, seed, state, folder)
        done = run(made.arguments())
        if done.returncode != 0:
            raise RuntimeError(f"{made.arguments()}: exit code {done.returncode}: {done.stderr.decode()}")
        state = made.effect(state)
    return state
