"""Columns like those of feature stores, sorted by (entity, event time), to weigh sizes with.

The twelve scalars make the row whose bytes are compared. Beside them lie what is weighed alone: a
normal distribution and one of binary32 values, which nothing packs well and which would drown the
others in a sum; prices with few gaps; and texts that hardly repeat.
"""

import pathlib

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

SCALARS = ["entity_id", "event_timestamp", "whole_seconds", "created", "f64_price", "f64_counter",
           "f64_sparse", "f64_ratio", "i64_count", "i64_wide", "flag", "category"]
ALONE = ["f64_gauss", "f64_narrow", "f64_gaps", "link"]


def make(directory: pathlib.Path, rows: int, rows_per_entity: int = 100, seed: int = 42):
    """Writes columns.parquet, once."""
    path = directory / "columns_of_features.parquet"
    if path.exists():
        return path
    directory.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng([seed, rows_per_entity])
    entities = rows // rows_per_entity
    weights = random.pareto(1.5, entities) + 0.2
    counts = np.maximum(1, weights / weights.sum() * rows).astype(np.int64)
    while (missing := rows - counts.sum()) != 0:
        step = min(abs(missing), entities)
        if missing > 0:
            counts[:step] += 1
        else:
            counts[np.argsort(counts)[-step:]] -= 1
    entity = np.repeat(np.arange(entities), counts)
    first = np.repeat(np.cumsum(counts) - counts, counts)
    ids = np.sort(random.choice(entities * 40, entities, replace=False)) + 1_000_000
    event = 1_700_000_000_000_000 + random.integers(0, 30 * 86_400_000_000, rows)
    event = event[np.lexsort((event, entity))]
    walk = np.cumsum(np.round(random.normal(0, 0.35, rows), 2))
    base = np.repeat(np.round(random.uniform(5, 500, entities), 2), counts)
    price = np.round(np.abs(walk - walk[first] + base), 2)
    steps = np.cumsum(random.poisson(3, rows))
    shown = random.integers(1, 200, rows)
    names = pa.array([f"{a}_{b}" for a in ("home", "food", "sport", "office") for b in
                      ("basic", "extra", "gift", "sale", "used")])
    kind = np.minimum(random.zipf(1.5, rows) - 1, 19).astype(np.int32)
    links = np.char.add(np.char.add("https://example.org/item/",
                                    random.integers(0, 2_000_000, rows).astype("U7")),
                        np.char.add("?from=", random.integers(0, 1 << 24, rows).astype("U8")))
    table = pa.table({
        "entity_id": pa.array(ids[entity].astype(np.int64)),
        "event_timestamp": pa.array(event, pa.timestamp("us", "UTC")),
        "created": pa.array(event + random.integers(100_000, 5_000_000, rows),
                            pa.timestamp("us", "UTC")),
        "f64_price": pa.array(price),
        "f64_gauss": pa.array(random.normal(0, 1, rows)),
        "f64_narrow": pa.array(random.normal(0, 1, rows).astype(np.float32).astype(np.float64)),
        "f64_counter": pa.array((steps - steps[first]).astype(np.float64)),
        "f64_gaps": pa.array(price, mask=random.random(rows) >= 0.95),
        "f64_ratio": pa.array(random.binomial(shown, 0.07) / shown),
        "i64_count": pa.array(random.geometric(0.08, rows).astype(np.int64)),
        "i64_wide": pa.array(np.exp(random.normal(9, 2.5, rows)).astype(np.int64)),
        "flag": pa.array(random.random(rows) < 0.1),
        "category": pa.DictionaryArray.from_arrays(pa.array(kind), names).cast(pa.string()),
        "link": pa.array(links),
        "whole_seconds": pa.array(event // 1_000_000 * 1_000_000, pa.timestamp("us", "UTC")),
        "f64_sparse": pa.array(price, mask=random.random(rows) >= 0.05),
    })
    pq.write_table(table, path, row_group_size=1 << 20, compression="snappy")
    return path
