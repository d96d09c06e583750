"""What is true and surprising about the latest values, told in one line of the log."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Sequence
from datetime import timedelta

import pyarrow as pa
import pyarrow.compute as pc

from .. import NotFoundError, Store
from ._online_table import EVENT_TIME, OnlineTable

logger = logging.getLogger(__name__)

# Seconds between two lines about the expired values of one feature view.
_PAUSE = 60.0

# The time of the next line, by the folder of the store and the name of the view.
_told: dict[tuple[str, str], float] = {}


def tell_older(store: Store, table: OnlineTable, batches: Sequence[pa.RecordBatch]) -> None:
    """Says how many rows that are about to be written are older than what is stored."""
    older = total = 0
    example = ""
    for batch in batches:
        total += batch.num_rows
        names = [native for _, native, _ in table.native_keys]
        keys = batch.select(names)
        if not names:
            empty = pa.array([{}] * batch.num_rows, pa.struct([]))
            keys = pa.RecordBatch.from_struct_array(empty)
        features = [name for name in batch.schema.names if name in table.native.values()]
        if not features:
            continue
        asked = {"features": [f"{table.name}:{features[0]}"], "includeExpired": True}
        try:
            found = store.read_online_batch(json.dumps(asked).encode(), keys).column(1)
        except NotFoundError:
            # Nothing was written yet.
            return
        given = batch.column(EVENT_TIME)
        # One unit for both; what nanoseconds cannot reach is compared in microseconds.
        if given.type.unit != found.type.unit:
            given, found = (c.cast(pa.timestamp("us", "UTC"), safe=False) for c in (given, found))
        late = pc.fill_null(pc.less(given, found.cast(given.type)), False)
        count = late.true_count
        if count and not example:
            row = late.index(True).as_py()
            example = f"{given[row]} where {found[row]} is stored"
        older += count
    if older:
        logger.warning(
            '"%s": %d of %d rows are older than what is stored online, and what is stored stays; '
            "the first is of %s",
            table.feature_view.name,
            older,
            total,
            example,
        )


def tell_expired(store: Store, view: str, count: int, ttl: timedelta | None) -> None:
    """Says that nothing was given of a view, as all of it is past its time to live."""
    now = time.monotonic()
    place = (str(store.path), view)
    if now < _told.get(place, 0):
        return
    _told[place] = now + _PAUSE
    logger.warning(
        '"%s": all of the %d entities asked for have values past the ttl of %s, which are not '
        "given (serve_expired: true of online_store gives them); told once a minute at most",
        view,
        count,
        ttl,
    )
