"""What a store must hold, as plain dictionaries: history, tags and online tables.

Every row says in its column `who` whose it is, so that a value under somebody else's key shows. Features
are known by a number that is given once and never again, so that renamed, dropped and added ones are told
apart as the store must tell them apart. States are never changed in place: a command makes a new one.
"""
import copy, datetime

DAY = 86_400


class Refused(Exception):
    """The command must refuse to act on this state, with this exit code."""

    def __init__(self, code):
        self.code = code


class View:
    """A feature view: its features in order, and its rows by their value."""

    def __init__(self, identity, entities, keys, features):
        self.identity, self.entities, self.keys = identity, entities, keys
        self.features = features            # [(name, number, type)]
        self.rows = {}                      # value -> (key, seconds, {feature number: text})

    def with_rows(self, rows):
        other = copy.copy(self)
        other.rows = rows
        return other

    def number(self, name):
        return next((number for known, number, _ in self.features if known == name), None)

    def latest(self):
        """The newest row of each key."""
        newest = {}
        for key, seconds, cells in self.rows.values():
            if key not in newest or newest[key][0] < seconds:
                newest[key] = (seconds, cells)
        return newest

    def table(self):
        """The rows as an export shows them: a set of texts, one for each row."""
        lines = set()
        for key, seconds, cells in self.rows.values():
            named = dict(zip(self.keys or ["__dummy_id"], key or ("",)))
            named["t"] = instant(seconds)
            for name, number, _ in self.features:
                named[name] = cells.get(number, "")
            lines.add(line(named))
        return lines


class State:
    """A store at one commit."""

    def __init__(self, kind):
        self.kind = kind        # the base that it began as
        self.views = {}         # name -> View
        self.tags = {}          # tag -> {name: View}
        self.online = {}        # view's identity -> {key: Online}
        self.unsure = set()     # views whose online table no rule speaks of any more
        self.forgotten = set()  # people of whom no file may have a byte
        self.known = 0          # numbers given to features and views so far

    def copy(self):
        other = copy.copy(self)
        other.views, other.tags = dict(self.views), dict(self.tags)
        other.online = {view: dict(rows) for view, rows in self.online.items()}
        other.unsure, other.forgotten = set(self.unsure), set(self.forgotten)
        return other

    def new_number(self):
        self.known += 1
        return self.known

    def view(self, name):
        if name not in self.views:
            raise Refused(4)
        return self.views[name]

    def served(self, name, key):
        """The online answer: (seconds, {feature's name: text}), or None."""
        view = self.views[name]
        entry = self.online.get(view.identity, {}).get(key)
        if entry is None:
            return None
        seconds, cells = entry.served()
        return seconds, {name: cells.get(number, "") for name, number, _ in view.features}


class Online:
    """A key's online row: history's answer, and what was written directly over it."""

    def __init__(self, history=None, direct=None):
        self.history, self.direct = history, direct     # (seconds, {feature number: text})

    def served(self):
        history, direct = self.history, self.direct
        if direct is None or (history and direct[0] < history[0]):
            return history
        return direct[0], {**(history[1] if history else {}), **direct[1]}

    def put(self, seconds, cells):
        """A direct write that wins keeps what others wrote of features that it does not name."""
        now = self.served()
        if now and seconds < now[0]:
            return self
        before = self.direct[1] if self.direct and now[0] == self.direct[0] else {}
        return Online(self.history, (seconds, {**before, **cells}))

    def materialized(self, history):
        """A direct write that history overtook is gone; None if nothing is left."""
        direct = self.direct
        if direct and history and direct[0] < history[0]:
            direct = None
        return Online(history, direct) if history or direct else None


def instant(seconds):
    moment = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def line(named):
    """A row as one text, whatever the order of its columns."""
    return "|".join(f"{name}={named[name]}" for name in sorted(named))
