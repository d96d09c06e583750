"""Commands that look after a store: compaction, retention, erasure, history, copies, tags."""
from command import Command, people_of
from model import DAY, Refused
from writing import Import, Put

AGE = 90 * DAY


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
