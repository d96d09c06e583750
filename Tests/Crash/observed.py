"""What a store says of itself through the command, and whether it is one of the states that it may have."""
import collections, csv, glob, io, json, os
from model import instant, line


class Wrong(Exception):
    """The store is not what it must be. The symptom is a word to count by."""

    def __init__(self, symptom, text):
        super().__init__(f"{symptom}: {text}")
        self.symptom = symptom


def error(done):
    return f"exit code {done.returncode}: {done.stderr.decode(errors='replace')[-300:].strip()}"


def exported(run, store, view, *more):
    """The rows of a view as texts, or None if there is no such view."""
    done = run(["export", store, view, *more])
    if done.returncode == 4:
        return None
    if done.returncode != 0:
        raise Wrong("cannot export", f"{view} {' '.join(more)}: {error(done)}")
    rows = [line(row) for row in csv.DictReader(io.StringIO(done.stdout.decode()))]
    if len(set(rows)) != len(rows):
        raise Wrong("twice", f"{view}: {len(rows) - len(set(rows))} rows stand there twice")
    return set(rows)


def strangers(rows):
    """Rows whose `who` is not their key: values of one entity under the key of another."""
    for row in rows:
        cells = dict(cell.split("=", 1) for cell in row.split("|"))
        key = [cells[name] for name in ("id", "shop") if name in cells]
        if "who" in cells and cells["who"] != ("/".join(key) or "news"):
            yield row


def difference(expected, seen):
    if seen is None or expected is None:
        return f"the view is {'absent' if seen is None else 'there'}"
    lost, surplus = sorted(expected - seen), sorted(seen - expected)
    return f"{len(lost)} of {len(expected)} rows lost, {len(surplus)} surplus: {lost[:2]} {surplus[:2]}"


def matching(states, seen, part):
    """The states that fit what was seen; Wrong if none does."""
    def expected(state, name):
        views = part(state)
        return views[name].table() if views is not None and name in views else None
    fitting = [state for state in states if all(expected(state, name) == rows for name, rows in seen.items())]
    if fitting:
        return fitting
    for name, rows in seen.items():
        foreign = list(strangers(rows or ()))
        if foreign:
            raise Wrong("stranger's rows", f"{name}: {len(foreign)} rows under keys that are not theirs: {foreign[:2]}")
    state = min(states, key=lambda state: sum(expected(state, name) != rows for name, rows in seen.items()))
    texts, symptom = [], "other rows"
    for name, rows in seen.items():
        if expected(state, name) != rows:
            texts.append(f"{name}: {difference(expected(state, name), rows)}")
            if rows is not None and expected(state, name) is not None:
                symptom = "lost" if expected(state, name) - rows else "surplus"
    raise Wrong(symptom, "; ".join(texts))


def history(run, store, states):
    names = sorted(set().union(*(state.views for state in states)))
    return matching(states, {name: exported(run, store, name) for name in names}, lambda state: state.views)


def tags(run, store, states, randomness):
    """One view as of each tag."""
    for tag in sorted(set().union(*(state.tags for state in states))):
        names = sorted(set().union(*(state.tags.get(tag, {}) for state in states)))
        names = [randomness.choice(names)] if names else []
        seen = {name: exported(run, store, name, "--at", tag) for name in names}
        try:
            states = matching(states, seen, lambda state: state.tags.get(tag))
        except Wrong as wrong:
            raise Wrong("tag: " + wrong.symptom, f"as of {tag}: {wrong}") from None
    return states


def got(run, store, view, key):
    """The online answer as the model says it: (seconds, cells), None for an unknown key; "no table"."""
    done = run(["get", store, view.name, *(f"{name}={part}" for name, part in zip(view.keys, key)), "--json"])
    if done.returncode == 4:
        return "no table"
    if done.returncode != 0:
        raise Wrong("cannot get", f"{view.name} {key}: {error(done)}")
    answer = json.loads(done.stdout)
    if answer["status"] == "notFound":
        return None
    return answer["eventTime"], {name: "" if field["value"] is None else str(field["value"])
                                 for name, field in answer["features"].items()}


Query = collections.namedtuple("Query", "name keys")


def online(run, store, states, randomness, most=3):
    """Asks for some keys, first of all those whose answer is not the same in all states."""
    asked = set()
    for state in states:
        for name, view in state.views.items():
            keys = set(state.online.get(view.identity, {}))
            if view.keys and view.keys[0] == "id":
                keys |= {(person, *("7",) * (len(view.keys) - 1)) for person in state.forgotten}
            asked |= {(name, tuple(view.keys), key) for key in keys}

    def answers(name, key):
        return {repr(state.served(name, key)) for state in states if name in state.views}
    asked = sorted(asked)
    doubtful = [one for one in asked if len(answers(one[0], one[2])) > 1]
    chosen = randomness.sample(doubtful, min(most, len(doubtful)))
    rest = [one for one in asked if one not in doubtful]
    chosen += randomness.sample(rest, min(most - len(chosen), len(rest)))
    for name, keys, key in chosen:
        seen = got(run, store, Query(name, keys), key)
        fitting = [state for state in states if fits(state, name, key, seen)]
        if not fitting:
            expected = [state.served(name, key) for state in states if name in state.views]
            whose = seen[1].get("who") if isinstance(seen, tuple) else None
            symptom = "online"
            if whose and whose != "/".join(key):
                symptom = "online: stranger's row"
            elif seen not in (None, "no table") and all(answer is None for answer in expected):
                symptom = "online: back"
            raise Wrong(symptom, f"{name} {key}: {seen}, and not {expected}")
        states = fitting
    return states


def fits(state, name, key, seen):
    view = state.views.get(name)
    if view is None:
        return seen == "no table"
    if view.identity in state.unsure:
        return True
    answer = state.served(name, key)
    if answer is None or seen is None or seen == "no table":
        # A table that was made and holds nothing is as good as one that was not.
        return answer is None and seen in (None, "no table")
    return (instant(answer[0]), answer[1]) == seen


def remains(store, people):
    """Who of these people is in any file of the store."""
    found = {}
    if not people:
        return found
    marks = {person: person.encode() for person in people}
    for path in glob.iglob(store + "/**", recursive=True):
        if os.path.isfile(path):
            with open(path, "rb") as file:
                content = file.read()
            for person, mark in marks.items():
                if mark in content:
                    found.setdefault(person, []).append(os.path.relpath(path, store))
    return found
