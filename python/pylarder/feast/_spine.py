"""Entity rows, as Feast's users give them."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from feast.infra.offline_stores.offline_utils import DEFAULT_ENTITY_DF_EVENT_TIMESTAMP_COL

from .. import InvalidInputError, UnsupportedError
from .._arrow import table as arrow_table


def spine_of(entity_df: Any) -> pa.Table:
    """The entity rows as a table; SQL is answered by DuckDB."""
    if isinstance(entity_df, str):
        try:
            import duckdb
        except ImportError:
            raise UnsupportedError(
                "entity_df as SQL is answered by DuckDB, which is not installed: pip install duckdb"
            ) from None
        with duckdb.connect() as connection:
            connection.execute("SET TimeZone = 'UTC'")
            return connection.execute(entity_df).to_arrow_table()
    if isinstance(entity_df, pd.DataFrame):
        entity_df = entity_df.copy(deep=False)
        for name in entity_df.columns:
            column = entity_df[name]
            if column.dtype == object and len(column) and isinstance(column.iloc[0], datetime):
                entity_df[name] = pd.to_datetime(column, utc=True)
        entity_df.columns = [str(name) for name in entity_df.columns]
    elif hasattr(entity_df, "compute"):
        return spine_of(entity_df.compute())
    spine = arrow_table(entity_df)
    if spine.schema.metadata and b"pandas" in spine.schema.metadata:
        spine = spine.replace_schema_metadata(None)
    return spine


def with_times(spine: pa.Table, column: str) -> pa.Table:
    """The entity rows with their times as times: texts are read, as pandas reads them."""
    kind = spine.schema.field(column).type
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return spine
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        raise InvalidInputError(
            f'Column "{column}" of entity_df holds {kind}; the times of events are expected.',
            column=column,
        )
    times = pd.to_datetime(spine.column(column).to_pandas(), utc=True)
    return spine.set_column(spine.schema.get_field_index(column), column, pa.array(times))


def timestamp_column(spine: pa.Table) -> str:
    """The column of the times, as Feast infers it."""
    if DEFAULT_ENTITY_DF_EVENT_TIMESTAMP_COL in spine.column_names:
        return DEFAULT_ENTITY_DF_EVENT_TIMESTAMP_COL
    found = [field.name for field in spine.schema if pa.types.is_timestamp(field.type)]
    if len(found) == 1:
        print(
            f"Using {found[0]} as the event timestamp. To specify a column explicitly, please "
            f"name it {DEFAULT_ENTITY_DF_EVENT_TIMESTAMP_COL}."
        )
        return found[0]
    raise ValueError(
        f"Please provide an entity_df with a column named {DEFAULT_ENTITY_DF_EVENT_TIMESTAMP_COL} "
        "representing the time of events."
    )


def bounds_of(column: pa.ChunkedArray) -> tuple[datetime | None, datetime | None]:
    """The first and last of the times."""
    found = pc.min_max(column)
    return _utc(found["min"].as_py()), _utc(found["max"].as_py())


def _utc(time: Any) -> datetime | None:
    """A time or a date in UTC; pandas would not reach years 1 and 9999."""
    if time is None:
        return None
    if not isinstance(time, datetime):
        time = datetime(time.year, time.month, time.day)
    return time.replace(tzinfo=timezone.utc) if time.tzinfo is None else time
