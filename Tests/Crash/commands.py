"""The commands that kills are tried on: their arguments, and what each does to a store.

A command is made for a world, the store's state before any kill, and then has the same arguments
whatever became of the commands before it. `effect` says what a state becomes, or that the command must refuse it;
`halves` says which other states a command that was cut off may leave.
"""
import itertools, json, random
from model import DAY, Online, Refused, View, instant

FIRST = 1_672_531_200       # 2023-01-01; all rows are of that year
AGE = 90 * DAY


def when(value):
    """Each value has a time of its own, spread over a year; so no two rows tie."""
    return FIRST + value * 7_919 % 999_983 * 30


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


# Keys. A shop is a number, a person a text; `news` has no key.

def people_of(state, view="stats"):
    return sorted({key[0] for key, _, _ in state.views[view].rows.values()}) if view in state.views else []


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


class Compact(Command):
    how = []

    def arguments(self):
        return ["compact", self.store, *self.how]


class CompactAll(Compact):
    how = ["--partition", "all"]


class CompactCold(Compact):
    how = ["--partition", "all", "--cold"]


class Expire(Command):
    def arguments(self):
        return ["expire", self.store, "stats", "--older-than", "90d", "--yes"]

    def effect(self, state):
        state = state.copy()
        view = state.view("stats")
        if view.rows:
            cutoff = max(seconds for _, seconds, _ in view.rows.values()) - AGE
            state.views["stats"] = view.with_rows(
                {value: row for value, row in view.rows.items() if row[1] >= cutoff})
        return state


class Forget(Command):
    """A person who has rows in several views, in the state that is tagged, and online."""

    column, commits_once = "id", False

    def prepare(self):
        self.whom = self.choose()

    def choose(self):
        people = people_of(self.world)
        both = [person for person in people if person in people_of(self.world, "visits")]
        return self.random.choice(both or people or ["person-nobody"])

    def arguments(self):
        entity = "person" if self.column == "id" else "shop"
        return ["forget", self.store, "--entity", entity, f"{self.column}={self.whom}", "--yes"]

    def without(self, views):
        kept = dict(views)
        for name, view in views.items():
            if self.column in view.keys:
                place = view.keys.index(self.column)
                kept[name] = view.with_rows({value: row for value, row in view.rows.items()
                                             if row[0][place] != self.whom})
        return kept

    def effect(self, state):
        state = state.copy()
        state.views = self.without(state.views)
        state.tags = {tag: self.without(views) for tag, views in state.tags.items()}
        for view in state.views.values():
            if self.column in view.keys and view.identity in state.online:
                place = view.keys.index(self.column)
                state.online[view.identity] = {key: row for key, row in state.online[view.identity].items()
                                               if key[place] != self.whom}
        if self.column == "id":
            state.forgotten.add(self.whom)
        return state


class ForgetShop(Forget):
    column = "shop"

    def choose(self):
        shops = people_of(self.world, "places")
        return self.random.choice(shops or ["7"])


class ForgetUnknown(Forget):
    def choose(self):
        return "person-nobody"


class ForgetPushed(Forget):
    """Somebody who was only ever written online."""

    def choose(self):
        view = self.world.views.get("stats")
        known = {key for key, _, _ in view.rows.values()} if view else set()
        pushed = sorted(set(self.world.online.get(view.identity, {})) - known) if view else []
        return self.random.choice(pushed)[0] if pushed else "person-nobody"


class ForgetFirst(Forget):
    """Somebody whom the first command of the case may have written for the first time."""

    def choose(self):
        return "person-100-00"


class ImportAgain(Import):
    """Rows of the one whom `forget`, as the first command of the case, erases."""

    known, new = 0, 2

    def fresh(self, number):
        return (Forget("forget", 100, self.seed, self.world, self.folder).whom,)


class PutAgain(ImportAgain, Put):
    arguments, effect = Put.arguments, Put.effect


class Rollback(Command):
    def arguments(self):
        return ["rollback", self.store, "--to", "base", "--yes"]

    def effect(self, state):
        if "base" not in state.tags:
            raise Refused(4)
        before, state = state, state.copy()
        state.views = dict(state.tags["base"])
        for name, view in state.views.items():
            if name not in before.views or before.views[name].identity != view.identity:
                state.unsure.add(view.identity)     # a view that returns counts as behind
        return state


class Vacuum(Command):
    def arguments(self):
        return ["vacuum", self.store]


class Backup(Command):
    def arguments(self):
        return ["backup", self.store, self.store + f".copy{self.slot}"]


class Repair(Command):
    def arguments(self):
        return ["repair", self.store, "--yes"]


class Tag(Command):
    tag = "other"

    def arguments(self):
        return ["snapshots", self.store, "--tag", self.tag]

    def effect(self, state):
        state = state.copy()
        state.tags[self.tag] = dict(state.views)
        return state


class TagBase(Tag):
    tag = "base"


class Untag(Command):
    def arguments(self):
        return ["snapshots", self.store, "--untag", "base"]

    def effect(self, state):
        if "base" not in state.tags:
            raise Refused(4)
        state = state.copy()
        del state.tags["base"]
        return state


class Drop(Command):
    view = "visits"

    def arguments(self):
        return ["drop", self.store, self.view, "--yes"]

    def effect(self, state):
        state = state.copy()
        view = state.view(self.view)
        del state.views[self.view]
        state.online.pop(view.identity, None)
        state.unsure.add(view.identity)
        return state


class DropPlaces(Drop):
    view = "places"


# Definitions. A file names one view, and says all of its features.

STATS = [("value", "int64"), ("who", "string"), ("small", "int32"), ("note", "string")]
VIEWS = {"stats": (["person"], ["id"], STATS),
         "visits": (["person", "shop"], ["id", "shop"], [("value", "int64"), ("who", "string")]),
         "places": (["shop"], ["shop"], [("value", "int64"), ("who", "string")]),
         "news": ([], [], [("value", "int64"), ("who", "string")]),
         "trips": (["shop", "person"], ["shop", "id"], [("value", "int64")])}


def definitions(features, former={}):
    """A file of definitions: {view: [(feature, type)]}."""
    views = []
    for name, listed in features.items():
        fields = [{"name": field, "type": kind, **({"formerly": former[field]} if field in former else {})}
                  for field, kind in listed]
        views.append({"name": name, "entities": VIEWS[name][0], "timestamp": "t", "features": fields})
    return json.dumps({"entities": [{"name": "person", "joinKeys": [{"name": "id", "type": "string"}]},
                                    {"name": "shop", "joinKeys": [{"name": "shop", "type": "int64"}]}],
                       "featureViews": views})


class Apply(Command):
    former, drops = {}, False

    def features(self):
        raise NotImplementedError

    def of_stats(self):
        view = self.world.views.get("stats")
        return [(name, kind) for name, _, kind in view.features] if view else STATS

    def prepare(self):
        self.wanted = self.features()
        self.path = self.file("json", definitions(self.wanted, self.former))

    def arguments(self):
        return ["apply", self.store, self.path, *(["--drop"] if self.drops else [])]

    def effect(self, state):
        state = state.copy()
        for name, listed in self.wanted.items():
            entities, keys, _ = VIEWS[name]
            view = state.views.get(name)
            if view is None:
                numbered = [(field, state.new_number(), kind) for field, kind in listed]
                state.views[name] = View(state.new_number(), entities, keys, numbered)
                continue
            features = []
            taken = set()
            for field, kind in listed:
                number = view.number(field)
                if number is None and field in self.former:
                    number = view.number(self.former[field])
                if number is not None:
                    taken.add(number)
                    before = next(kind for _, known, kind in view.features if known == number)
                    if (before, kind) == ("int64", "int32"):
                        raise Refused(3)
                features.append((field, number if number is not None else state.new_number(), kind))
            if not self.drops and {number for _, number, _ in view.features} - taken:
                raise Refused(3)
            # What the file drops or adds stands as the file has it; its order is the store's affair.
            changed = View(view.identity, view.entities, view.keys, features)
            state.views[name] = changed.with_rows(view.rows)
        return state


class ApplyBase(Apply):
    def features(self):
        return {name: VIEWS[name][2] for name in ("stats", "visits", "places", "news")}


class ApplyAdd(Apply):
    def features(self):
        return {"stats": [*self.of_stats(), (f"extra{self.slot}", "int64")]}


class ApplyRename(Apply):
    former = {"remark": "note"}

    def features(self):
        return {"stats": [("remark" if name == "note" else name, kind) for name, kind in self.of_stats()]}


class ApplyWiden(Apply):
    def features(self):
        return {"stats": [(name, "int64" if name == "small" else kind) for name, kind in self.of_stats()]}


class ApplyDrop(Apply):
    drops = True

    def features(self):
        return {"stats": [(name, kind) for name, kind in self.of_stats() if name != "small"]}


class ApplyView(Apply):
    def features(self):
        return {"trips": VIEWS["trips"][2]}


COMMANDS = {
    "import-new": ImportNew, "import-new-2": ImportNewTwo, "import-old": ImportOld, "import": Import,
    "import-many": ImportMany, "import-visits": ImportVisits, "import-places": ImportPlaces,
    "import-news": ImportNews, "replace": Replace, "import-again": ImportAgain, "put": Put,
    "put-visits": PutVisits, "put-again": PutAgain,
    "materialize": Materialize, "materialize-one": MaterializeOne, "compact": Compact,
    "compact-all": CompactAll, "compact-cold": CompactCold, "expire": Expire, "forget": Forget,
    "forget-shop": ForgetShop, "forget-unknown": ForgetUnknown, "forget-pushed": ForgetPushed,
    "forget-first": ForgetFirst,
    "rollback": Rollback, "vacuum": Vacuum, "backup": Backup, "repair": Repair, "tag": Tag,
    "tag-base": TagBase, "untag": Untag, "drop": Drop, "drop-places": DropPlaces,
    "apply-base": ApplyBase, "apply-add": ApplyAdd, "apply-rename": ApplyRename,
    "apply-widen": ApplyWiden, "apply-drop": ApplyDrop, "apply-view": ApplyView}
