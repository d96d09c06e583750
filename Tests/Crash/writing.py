"""Commands that write rows: `import`, `put`, `materialize`. A shop is a number, a person a text; `news` has no key."""
import itertools
from command import Command, people_of
from model import Online, instant

FIRST = 1_672_531_200       # 2023-01-01; all rows are of that year


def when(value):
    """Each value has a time of its own, spread over a year; so no two rows tie."""
    return FIRST + value * 7_919 % 999_983 * 30


class Rows(Command):
    """A file of rows of a view, some of keys that the store knows and some of new ones."""

    view, known, new = "stats", 2, 2

    def prepare(self):
        self.commits_once = self.world.kind != "grown"      # there a fold follows
        self.rows = []
        view = self.world.views.get(self.view)
        self.columns = [name for name, _, _ in view.features] if view else ["value", "who"]
        keys = sorted({key for key, _, _ in view.rows.values()}) if view else []
        chosen = self.random.sample(keys, min(self.known, len(keys)))
        chosen += [self.fresh(number) for number in range(self.new)]
        self.random.shuffle(chosen)
        for number, key in enumerate(chosen):
            value = self.slot * 1_000 + number
            cells = {"value": str(value), "who": "/".join(key) or "news", "small": str(value % 100),
                     "note": f"note of {'/'.join(key)}", "remark": f"remark of {'/'.join(key)}"}
            extra = str(value * 3)
            self.rows.append((key, when(value), {name: cells.get(name, extra) for name in self.columns}))
        names = {"stats": ["id"], "visits": ["id", "shop"], "places": ["shop"], "news": []}[self.view]
        text = ",".join([*names, "t", *self.columns]) + "\n"
        for key, seconds, cells in self.rows:
            text += ",".join([*key, instant(seconds), *cells.values()]) + "\n"
        self.path = self.file("csv", text)

    def fresh(self, number):
        person, shop = f"person-{self.slot:03d}-{number:02d}", str(self.slot * 100 + number)
        if self.view == "visits":
            person = self.random.choice([*people_of(self.world), person])
        return {"stats": (person,), "visits": (person, shop), "places": (shop,), "news": ()}[self.view]

    def written(self, view):
        """The rows as this state of the view takes them: columns that it has not are not read."""
        for key, seconds, cells in self.rows:
            numbered = {view.number(name): text for name, text in cells.items() if view.number(name)}
            yield int(cells["value"]), (key, seconds, numbered)

    def remember(self, state):
        """Who is written again is forgotten no longer."""
        state.forgotten -= {key[0] for key, _, _ in self.rows if key}


class Import(Rows):
    def arguments(self):
        return ["import", self.store, self.view, self.path]

    def effect(self, state):
        state = state.copy()
        view = state.view(self.view)
        state.views[self.view] = view.with_rows({**view.rows, **dict(self.written(view))})
        self.remember(state)
        return state


class ImportNew(Import):
    known, new = 0, 3


class ImportNewTwo(Import):
    known, new = 0, 2


class ImportOld(Import):
    known, new = 3, 0


class ImportMany(Import):
    known, new = 3, 150


class ImportVisits(Import):
    view = "visits"


class ImportPlaces(Import):
    view, known, new = "places", 1, 1


class ImportNews(Import):
    view, known, new = "news", 0, 1


class Replace(Import):
    def arguments(self):
        return [*super().arguments(), "--replace"]

    def effect(self, state):
        state = super().effect(state)
        view = state.views[self.view]
        state.views[self.view] = view.with_rows(dict(self.written(view)))
        return state


class Put(Rows):
    known, new = 3, 2

    def arguments(self):
        return ["put", self.store, self.view, self.path]

    def effect(self, state):
        state = state.copy()
        view = state.view(self.view)
        table = state.online.setdefault(view.identity, {})
        for _, (key, seconds, cells) in self.written(view):
            table[key] = table.get(key, Online()).put(seconds, cells)
        self.remember(state)
        return state


class PutVisits(Put):
    view = "visits"


def materialized(state, name):
    state = state.copy()
    view = state.view(name)
    table, newest = state.online.get(view.identity, {}), view.latest()
    rows = {}
    for key in table.keys() | newest.keys():
        row = table.get(key, Online()).materialized(newest.get(key))
        if row:
            rows[key] = row
    state.online[view.identity] = rows
    return state


class Materialize(Command):
    views = None

    def arguments(self):
        return ["materialize", self.store, *(self.views or [])]

    def effect(self, state):
        for name in self.views or sorted(state.views):
            state = materialized(state, name)
        return state

    def halves(self, state):
        """View after view; a view of so few rows is one batch."""
        names = [name for name in self.views or sorted(state.views) if name in state.views]
        for count in range(1, len(names)):
            for some in itertools.combinations(names, count):
                half = state
                for name in some:
                    half = materialized(half, name)
                yield half


class MaterializeOne(Materialize):
    views = ["stats"]
