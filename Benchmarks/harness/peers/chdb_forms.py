"""chDB (ClickHouse in the process): ASOF JOIN over MergeTree tables in the order of key and time."""

import tempfile

from chdb import session

from .base import Peer


class MergeTree(Peer):
    def prepare(self):
        self.folder = tempfile.TemporaryDirectory()
        self.session = session.Session(self.folder.name)
        self.session.query("CREATE DATABASE bench ENGINE = Atomic")
        for name, order in [("spine", "row_id")] + [
                (view["name"], ", ".join(view["keys"] + ["event_timestamp"]))
                for view in self.views]:
            self.session.query(
                f"CREATE TABLE bench.{name} ENGINE = MergeTree ORDER BY ({order}) "
                f"SETTINGS allow_nullable_key = 1 AS SELECT * FROM file('{self.path(name)}')")
        for view in self.views:
            self.session.query(f"OPTIMIZE TABLE bench.{view['name']} FINAL")
        chosen, joins = ["s.row_id AS row_id"], []
        for index, view in enumerate(self.views):
            h = f"h{index}"
            keys = ", ".join(view["keys"])
            columns = ", ".join(view["keys"] + ["event_timestamp"] + view["features"])
            unique = (f" ORDER BY created_timestamp DESC LIMIT 1 BY {keys}, event_timestamp"
                      if self.has_ties else "")
            equal = " AND ".join(f"s.{key} = {h}.{key}" for key in view["keys"])
            joins.append(f"ASOF LEFT JOIN (SELECT {columns} FROM bench.{view['name']}{unique}) {h} "
                         f"ON {equal} AND s.event_timestamp >= {h}.event_timestamp")
            for feature, name in self.outputs(view):
                value = f"{h}.{feature}"
                if view["time_to_live"]:
                    value = (f"if({h}.event_timestamp >= s.event_timestamp - "
                             f"toIntervalMicrosecond({view['time_to_live']}), {value}, NULL)")
                chosen.append(f"{value} AS {name}")
        self.text = (f"SELECT {', '.join(chosen)} FROM bench.spine s {' '.join(joins)} "
                     f"SETTINGS join_use_nulls = 1, max_threads = {self.threads}")

    def run(self):
        return self.session.query(self.text, "ArrowTable")

    def table(self, answer):
        return answer


FORMS = {"chdb-native": MergeTree}
