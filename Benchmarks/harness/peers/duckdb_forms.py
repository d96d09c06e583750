"""DuckDB: its ASOF join from native tables and from Parquet, and a join over the range with a
window, the form that Feast's templates use and the better one for few spine rows."""

import duckdb

from .base import Peer


class Asof(Peer):
    native = True
    sorted_by_key = False

    def prepare(self):
        self.connection = duckdb.connect()
        self.connection.execute("SET preserve_insertion_order=false")
        self.connection.execute(f"SET threads={self.threads}")
        if self.native:
            for view in self.views:
                order = ""
                if self.sorted_by_key:
                    order = f" ORDER BY {', '.join(view['keys'])}, event_timestamp"
                self.connection.execute(
                    f"CREATE TABLE {view['name']} AS FROM '{self.path(view['name'])}'{order}")
            self.connection.execute(f"CREATE TABLE spine AS FROM '{self.path('spine')}'")
        self.query = self.text()

    def source(self, name: str) -> str:
        return name if self.native else f"'{self.path(name)}'"

    def text(self) -> str:
        chosen, joins = ["s.*"], []
        for index, view in enumerate(self.views):
            h = f"h{index}"
            source = self.source(view["name"])
            if self.has_ties:
                source = (
                    f"(FROM {source} QUALIFY row_number() OVER (PARTITION BY "
                    f"{', '.join(view['keys'])}, event_timestamp ORDER BY created_timestamp DESC) = 1)")
            equal = " AND ".join(f"s.{key} = {h}.{key}" for key in view["keys"])
            joins.append(f"ASOF LEFT JOIN {source} {h} ON {equal} "
                         f"AND s.event_timestamp >= {h}.event_timestamp")
            # A second inequality is refused in an ASOF join: the time to live is a bound on the match.
            limit = (f"{h}.event_timestamp >= s.event_timestamp - "
                     f"INTERVAL {view['time_to_live']} MICROSECONDS")
            for feature, name in self.outputs(view):
                value = f"{h}.{feature}"
                if view["time_to_live"]:
                    value = f"CASE WHEN {limit} THEN {value} END"
                chosen.append(f"{value} AS {name}")
        return f"SELECT {', '.join(chosen)} FROM {self.source('spine')} s {' '.join(joins)}"

    def run(self):
        return self.connection.sql(self.query).to_arrow_table()

    def table(self, answer):
        return answer


class AsofParquet(Asof):
    native = False


class AsofSorted(Asof):
    sorted_by_key = True


class RangeJoin(Asof):
    """All rows in range, then the newest of each spine row; one view only."""

    as_known = False

    def text(self) -> str:
        (view,) = self.views
        equal = " AND ".join(f"s.{key} = h.{key}" for key in view["keys"])
        features = ", ".join(f"h.{feature}" for feature in view["features"])
        known = " AND h.created_timestamp <= s.event_timestamp" if self.as_known else ""
        least = (f" AND h.event_timestamp >= s.event_timestamp - "
                 f"INTERVAL {view['time_to_live']} MICROSECONDS") if view["time_to_live"] else ""
        return (
            f"WITH ranked AS (SELECT s.row_id, {features}, row_number() OVER (PARTITION BY s.row_id "
            f"ORDER BY h.event_timestamp DESC, h.created_timestamp DESC) AS place "
            f"FROM {self.source('spine')} s JOIN {self.source(view['name'])} h ON {equal} "
            f"AND h.event_timestamp <= s.event_timestamp{least}{known}) "
            f"SELECT s.*, {features.replace('h.', 'r.')} FROM {self.source('spine')} s "
            f"LEFT JOIN ranked r ON r.row_id = s.row_id AND r.place = 1")


class RangeJoinParquet(RangeJoin):
    native = False


FORMS = {
    "duckdb-native": Asof,
    "duckdb-native-sorted": AsofSorted,
    "duckdb-parquet": AsofParquet,
    "duckdb-range": RangeJoin,
    "duckdb-range-parquet": RangeJoinParquet,
}
