"""Commands that change definitions. A file names some views, and says all of their features."""
import json
from command import Command
from model import Refused, View

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
