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
        names = [str(name) for name in entity_df.columns]
        for name in names:
            if names.count(name) > 1:
                raise InvalidInputError(
                    f'Two columns of entity_df are called "{name}". Rename or drop one.',
                    column=name,
                )
        for name in entity_df.columns:
            column = entity_df[name]
            if column.dtype == object and len(column) and isinstance(column.iloc[0], datetime):
                entity_df[name] = pd.to_datetime(column, utc=True)
        entity_df.columns = [str(name) for name in entity_df.columns]
        return _table(entity_df)
    if hasattr(entity_df, "compute"):
        return spine_of(entity_df.compute())
    spine = arrow_table(entity_df)
    if spine.schema.metadata and b"pandas" in spine.schema.metadata:
        spine = spine.replace_schema_metadata(None)
    return spine


def _table(frame: pd.DataFrame) -> pa.Table:
    """A pandas table as Arrow's, naive times of Arrow's types in UTC, as Feast has all others."""
    try:
        made = pa.Table.from_pandas(frame, preserve_index=False)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError):
        for name in frame.columns:
            _check_column(frame[name])
        raise
    made = made.replace_schema_metadata(None)
    for index, field in enumerate(made.schema):
        is_naive = pa.types.is_timestamp(field.type) and field.type.tz is None
        if is_naive and isinstance(frame.dtypes.iloc[index], pd.ArrowDtype):
            kind = pa.timestamp(field.type.unit, "UTC")
            made = made.set_column(index, field.name, made.column(index).cast(kind))
    return made


def _check_column(column: pd.Series) -> None:
    """Names a column that Arrow cannot hold."""
    try:
        pa.array(column, from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError) as error:
        raise InvalidInputError(
            f'Column "{column.name}" of entity_df holds values of several types: {error}. '
            "Give it one type, or leave it out.",
            column=str(column.name),
        ) from None


def with_times(spine: pa.Table, column: str) -> pa.Table:
    """The entity rows with their times as times: texts are read, as pandas reads them."""
    kind = spine.schema.field(column).type
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return spine
    if pa.types.is_null(kind):
        # Of no rows, or of rows without a time.
        times = spine.column(column).cast(pa.timestamp("us", "UTC"))
        return spine.set_column(spine.schema.get_field_index(column), column, times)
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
