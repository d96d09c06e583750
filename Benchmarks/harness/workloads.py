"""The shapes of point-in-time workloads, made from a seed, with the right answers beside them.

Every workload is a folder: spine.parquet, one Parquet file a view, workload.json, and for each view
the history row that answers each spine row (-1: none), found by sorting the union of both sides.
Times are microseconds since 1970, UTC. The files' row order is the order of arrival (created time).

| name | what it is |
| --- | --- |
| a | few entities with dense history |
| b | many entities with ten events each |
| c | zipf 1.1 on both sides |
| d | one spine over eight views of two keys |
| e | a key of two strings |
| f | a quarter of the rows delivered again, heavy-tailed lateness, minutes as the grid |
| g | a, but everything was loaded on one late day: created is the load time |
| wide | 17,000 spine rows over ten views of a hundred features |
| many | one spine over fifty views |
"""

import dataclasses
import json
import pathlib

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

START = 1_704_067_200_000_000  # 2024-01-01T00:00:00Z
MINUTE = 60_000_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
SPAN = 90 * DAY

# Rows of the spine and of the whole history.
SIZES = {"XS": (1_000, 20_000), "S": (10_000, 1_000_000), "M": (1_000_000, 10_000_000)}
# Entities at each size.
ENTITIES = {
    "a": {"XS": 10, "S": 100, "M": 1_000},
    "b": {"XS": 2_000, "S": 100_000, "M": 1_000_000},
    "c": {"XS": 1_000, "S": 10_000, "M": 100_000},
    "d": {"XS": 500, "S": 10_000, "M": 100_000},
    "e": {"XS": 500, "S": 10_000, "M": 200_000},
    "f": {"XS": 200, "S": 5_000, "M": 50_000},
    "g": {"XS": 10, "S": 100, "M": 1_000},
    "wide": {"XS": 100, "S": 1_000, "M": 5_000},
    "many": {"XS": 100, "S": 5_000, "M": 50_000},
}
TIME_TO_LIVE = {"a": 6 * HOUR, "b": 7 * DAY, "c": DAY, "e": 3 * DAY, "f": 14 * DAY, "g": 6 * HOUR}
NAMES = list(ENTITIES)


@dataclasses.dataclass
class View:
    """One feature view: what its history looks like and how a row is answered."""

    name: str
    keys: list[str]
    entities: int
    rows: int
    time_to_live: int  # microseconds; 0: no limit
    features: str  # "plain", "mixed" or "floats:<count>"


def views_of(workload: str, size: str, history_rows: int | None = None,
             entities: int | None = None) -> list[View]:
    """The views of a workload; the counts can be set to see how cost grows."""
    rows = history_rows or SIZES[size][1]
    count = entities or ENTITIES[workload][size]
    if workload == "d":
        limits = [HOUR, 6 * HOUR, DAY, 3 * DAY, 7 * DAY, 30 * DAY, 0, 2 * DAY]
        return [
            View(f"fv{i}", ["user_id" if i % 2 == 0 else "item_id"],
                 count if i % 2 == 0 else max(count // 10, 10), rows // 8, limit, "mixed")
            for i, limit in enumerate(limits)
        ]
    if workload == "wide":
        return [View(f"fv{i}", ["entity_id"], count, max(rows // 100, 1), 30 * DAY, "floats:100")
                for i in range(10)]
    if workload == "many":
        return [View(f"fv{i}", ["entity_id"], count, max(rows // 50, 1), (i % 5) * 10 * DAY,
                     "floats:4") for i in range(50)]
    keys = ["tenant", "user"] if workload == "e" else ["entity_id"]
    return [View("fv0", keys, count, rows, TIME_TO_LIVE[workload], "plain")]


def scattered(count: int, seed: int) -> np.ndarray:
    """Identifiers spread over 48 bits, so that nobody is handed dense ones."""
    mixed = (np.arange(count, dtype=np.uint64) + np.uint64(seed)) * np.uint64(0x9E3779B97F4A7C15)
    return (mixed >> np.uint64(16)).astype(np.int64)


def zipf(random: np.random.Generator, rows: int, entities: int, exponent: float) -> np.ndarray:
    weights = 1.0 / np.arange(1, entities + 1) ** exponent
    sums = np.cumsum(weights)
    ranks = np.searchsorted(sums / sums[-1], random.random(rows)).clip(0, entities - 1)
    # Frequent entities should not be neighbours.
    return ((ranks.astype(np.uint64) * np.uint64(2_654_435_761)) % np.uint64(entities)).astype(np.int64)


def without_ties(entity: np.ndarray, time: np.ndarray) -> np.ndarray:
    """Moves repeated (entity, time) pairs on by a microsecond until none is left."""
    while True:
        order = np.lexsort((time, entity))
        same = (np.diff(entity[order]) == 0) & (np.diff(time[order]) == 0)
        if not same.any():
            return time
        time[order[1:][same]] += 1


def feature_columns(random: np.random.Generator, rows: int, kind: str, time: np.ndarray) -> dict:
    def nulls(share: float) -> np.ndarray:
        return random.random(rows) < share

    if kind.startswith("floats:"):
        count = int(kind.split(":")[1])
        return {f"f_{i:03d}": pa.array(np.round(random.standard_normal(rows), 3))
                for i in range(count)}
    categories = pa.array([f"kind-{i:02d}" for i in range(24)])
    columns = {
        "f_i64": pa.array(np.arange(rows, dtype=np.int64) * 7 + 11),  # tells every row apart
        "f_f64a": pa.array(random.standard_normal(rows)),
        "f_f64b": pa.array(np.round(random.exponential(100.0, rows), 2), mask=nulls(0.05)),
        "f_bool": pa.array(random.random(rows) < 0.3),
        "f_str": pa.DictionaryArray.from_arrays(
            pa.array(random.integers(0, 24, rows, dtype=np.int32), mask=nulls(0.02)), categories),
    }
    if kind == "mixed":
        platforms = pa.array(["ios", "android", "web", "kiosk", "other"])
        columns |= {
            "f_f64c": pa.array(random.random(rows), mask=nulls(0.2)),
            "f_i64b": pa.array(random.integers(0, 1_000, rows)),
            "f_i64c": pa.array(random.integers(-(2**40), 2**40, rows), mask=nulls(0.01)),
            "f_ts": pa.array(time - random.integers(0, 30 * DAY, rows), pa.timestamp("us", "UTC"),
                             mask=nulls(0.1)),
            "f_str2": pa.DictionaryArray.from_arrays(
                pa.array(random.integers(0, 5, rows, dtype=np.int32)), platforms),
        }
    return columns


def key_columns(workload: str, keys: list[str], entity: np.ndarray) -> dict:
    if workload == "e":
        tenants = pa.array([f"tenant-{i:03d}" for i in range(40)])
        numbers = scattered(int(entity.max(initial=0)) + 1, 1)[entity]
        users = np.char.add("user-", np.char.zfill(numbers.astype("U15"), 15))
        return {
            "tenant": pa.DictionaryArray.from_arrays(
                pa.array((entity % 40).astype(np.int32)), tenants).cast(pa.string()),
            "user": pa.array(users),
        }
    seed = 7_000_000 if keys[0] == "item_id" else 1
    return {keys[0]: pa.array(scattered(int(entity.max(initial=0)) + 1, seed)[entity])}


def times_of(workload: str, random: np.random.Generator, entity: np.ndarray):
    rows = len(entity)
    event = START + random.integers(0, SPAN, rows)
    if workload == "f":
        event = event // MINUTE * MINUTE
        again = random.choice(rows, rows // 4, replace=False)
        source = random.integers(0, rows, rows // 4)
        entity[again], event[again] = entity[source], event[source]
        late = (random.pareto(1.2, rows) * MINUTE).clip(0, 20 * DAY).astype(np.int64)
        return entity, event, event + late // 1_000_000 * 1_000_000
    if workload in "abceg":
        event = without_ties(entity, event)
    if workload == "g":
        return entity, event, np.full(rows, START + SPAN + DAY, np.int64)
    return entity, event, event + random.integers(0, 5 * MINUTE, rows)


def answer(spine_entity, spine_time, entity, event, created, time_to_live) -> np.ndarray:
    """The history row of each spine row: sort the union, carry the last history row forward."""
    rows, asked = len(entity), len(spine_entity)
    side = np.concatenate([np.zeros(rows, np.int8), np.ones(asked, np.int8)])
    order = np.lexsort((
        np.concatenate([created, np.zeros(asked, np.int64)]), side,
        np.concatenate([event, spine_time]), np.concatenate([entity, spine_entity])))
    last = np.maximum.accumulate(np.where(order < rows, np.arange(rows + asked), -1))
    at_spine = order >= rows
    place = last[at_spine]
    found = np.where(place >= 0, order[place.clip(0)], -1)
    spine_row = order[at_spine] - rows
    good = (found >= 0) & (entity[found.clip(0)] == spine_entity[spine_row])
    if time_to_live:
        good &= event[found.clip(0)] >= spine_time[spine_row] - time_to_live
    result = np.full(asked, -1, np.int64)
    result[spine_row] = np.where(good, found, -1)
    return result


def make(workload: str, size: str, directory: pathlib.Path, seed: int = 42,
         spine_rows: int | None = None, history_rows: int | None = None,
         entities: int | None = None, many_views: int | None = None) -> dict:
    """Writes a workload into a directory, once: a finished one is kept."""
    directory.mkdir(parents=True, exist_ok=True)
    description = directory / "workload.json"
    if description.exists():
        return json.loads(description.read_text())
    asked = spine_rows or (17_000 if workload == "wide" else SIZES[size][0])
    random = np.random.default_rng([seed, NAMES.index(workload), asked])
    views = views_of(workload, size, history_rows, entities)[:many_views]

    key_names = sorted({view.keys[0] for view in views})
    spine = {}
    for key in key_names:
        count = max(view.entities for view in views if view.keys[0] == key)
        entity = (zipf(random, asked, count, 1.1) if workload == "c"
                  else random.integers(0, count, asked))
        unknown = random.random(asked) < 0.03
        entity[unknown] = count + random.integers(0, count, unknown.sum())
        spine[key] = entity
    time = START + random.integers(0, SPAN, asked)
    copies = random.choice(asked, asked // 100, replace=False)
    sources = random.integers(0, asked, len(copies))
    time[copies] = time[sources]
    for entity in spine.values():
        entity[copies] = entity[sources]

    described = []
    for view in views:
        entity = (zipf(random, view.rows, view.entities, 1.1) if workload == "c"
                  else random.integers(0, view.entities, view.rows))
        entity, event, created = times_of(workload, random, entity)
        arrival = np.argsort(created, kind="stable")
        entity, event, created = entity[arrival], event[arrival], created[arrival]
        if view is views[0] and len(views) == 1:
            # A fiftieth of the spine sits on an event, or on the edge of its time to live.
            edge = random.choice(asked, asked // 50, replace=False)
            hit = random.integers(0, view.rows, len(edge))
            spine[view.keys[0]][edge] = entity[hit]
            half = len(edge) // 2
            time[edge] = event[hit]
            time[edge[half:]] += view.time_to_live + np.arange(len(edge) - half) % 2
        columns = key_columns(workload, view.keys, entity)
        columns["event_timestamp"] = pa.array(event, pa.timestamp("us", "UTC"))
        columns["created_timestamp"] = pa.array(created, pa.timestamp("us", "UTC"))
        features = feature_columns(random, view.rows, view.features, event)
        pq.write_table(pa.table(columns | features), directory / f"{view.name}.parquet",
                       row_group_size=1 << 20, compression="snappy")
        right = answer(spine[view.keys[0]], time, entity, event, created, view.time_to_live)
        np.save(directory / f"{view.name}.answer.npy", right)
        described.append(dataclasses.asdict(view) | {
            "features": list(features), "matched": int((right >= 0).sum())})

    columns = {"row_id": pa.array(np.arange(asked))}
    for key in key_names:
        names = next(view.keys for view in views if view.keys[0] == key)
        columns |= key_columns(workload, names, spine[key])
    columns["event_timestamp"] = pa.array(time, pa.timestamp("us", "UTC"))
    columns["label"] = pa.array(random.random(asked))
    pq.write_table(pa.table(columns), directory / "spine.parquet", row_group_size=1 << 20,
                   compression="snappy")
    result = {"workload": workload, "size": size, "seed": seed, "spine_rows": asked,
              "views": described}
    (directory / "definitions.json").write_text(json.dumps(definitions(result, directory), indent=1))
    description.write_text(json.dumps(result, indent=1))
    return result


def asked(directory: pathlib.Path) -> int:
    """Rows of a workload's spine."""
    return json.loads((directory / "workload.json").read_text())["spine_rows"]


def definitions(meta: dict, directory: pathlib.Path) -> dict:
    """The workload's views as `larder apply` takes them."""
    keys = {}
    for view in meta["views"]:
        schema = pq.read_schema(directory / f"{view['name']}.parquet")
        entity = "_".join(view["keys"])
        keys[entity] = [{"name": key, "type": type_name(schema.field(key).type)}
                        for key in view["keys"]]
        view["schema"] = [{"name": name, "type": type_name(schema.field(name).type)}
                          for name in view["features"]]
    limits = {"timestamp": "event_timestamp", "created": "created_timestamp", "timeUnit": "us"}
    return {
        "entities": [{"name": name, "joinKeys": keys[name]} for name in keys],
        "featureViews": [
            {"name": view["name"], "entities": ["_".join(view["keys"])],
             "features": view.pop("schema")} | limits
            | ({"timeToLive": f"{view['time_to_live'] // 1_000_000}s"}
               if view["time_to_live"] else {})
            for view in meta["views"]],
    }


def type_name(kind: pa.DataType) -> str:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    if pa.types.is_timestamp(kind):
        return "timestamp"
    return {"double": "float64", "float": "float32"}.get(str(kind), str(kind))


def sliced(source: pathlib.Path, directory: pathlib.Path, rows: int) -> dict:
    """The same history under the first rows of the spine: the everyday small query."""
    description = directory / "workload.json"
    if description.exists():
        return json.loads(description.read_text())
    directory.mkdir(parents=True, exist_ok=True)
    meta = json.loads((source / "workload.json").read_text())
    pq.write_table(pq.read_table(source / "spine.parquet").slice(0, rows),
                   directory / "spine.parquet")
    for view in meta["views"]:
        link = directory / f"{view['name']}.parquet"
        link.unlink(missing_ok=True)
        link.symlink_to((source / link.name).resolve())
        right = np.load(source / f"{view['name']}.answer.npy")[:rows]
        np.save(directory / f"{view['name']}.answer.npy", right)
        view["matched"] = int((right >= 0).sum())
    meta |= {"size": meta["size"] + "k", "spine_rows": rows}
    (directory / "definitions.json").write_text((source / "definitions.json").read_text())
    description.write_text(json.dumps(meta, indent=1))
    return meta


def slice_by_time(directory: pathlib.Path, count: int) -> None:
    """Each view's history once more, as one file a slice of event time, in the order of arrival."""
    meta = json.loads((directory / "workload.json").read_text())
    width = SPAN // count + 1
    for view in meta["views"]:
        folder = directory / f"{view['name']}.slices{count}"
        if folder.exists():
            continue
        table = pq.read_table(directory / f"{view['name']}.parquet")
        place = (table["event_timestamp"].cast(pa.int64()).to_numpy() - START) // width
        order = np.argsort(place, kind="stable")
        ends = np.searchsorted(place[order], np.arange(count + 1))
        folder.mkdir()
        for index in range(count):
            rows = order[ends[index]:ends[index + 1]]
            pq.write_table(table.take(pa.array(rows)), folder / f"{index}.parquet")
