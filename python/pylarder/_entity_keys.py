"""Entity keys as Feast serializes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._arrow import IncomingBatch, OutgoingBatch, single_batch, table
from ._library import call

if TYPE_CHECKING:
    import pyarrow


def entity_keys(keys: Any) -> pyarrow.Array:
    """Keys as Feast serializes them (entity-key serialization version 3).

    Args:
        keys: a table of any kind with a column for each join key: string, binary, int32, int64 or
            timestamps of whole seconds.
    """
    rows = single_batch(table(keys))
    room = IncomingBatch()
    with OutgoingBatch(rows) as (schema, array):
        call("larder_entity_keys", schema, array, *room.addresses)
    return room.batch().column(0)
