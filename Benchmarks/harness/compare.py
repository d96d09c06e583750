"""Holds an engine's answer against the right one, cell by cell."""

import pathlib

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq


def output_name(view: dict, feature: str, several: bool) -> str:
    """A feature's column in an answer: with several views, under the view's name."""
    return f"{view['name']}__{feature}" if several else feature


def plain(column: pa.ChunkedArray, like: pa.DataType) -> pa.Array:
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_floating(column.type) and not pa.types.is_floating(like):
        # pandas turns an integer column with gaps into floats, with NaN for a gap.
        column = pc.if_else(pc.is_nan(column), None, column)
    column = column.cast(like)
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def verdict(directory: pathlib.Path, meta: dict, answer: pa.Table, ordered: bool) -> str:
    """"exact", or what differs first. A row of a tie in every respect may be answered by either
    of its rows; such rows are counted apart. `ordered`: the answer claims the spine's order."""
    rows = meta["spine_rows"]
    if answer.num_rows != rows:
        return f"{answer.num_rows} rows, not {rows}"
    place = answer["row_id"].to_numpy()
    if ordered:
        if not (place == np.arange(rows)).all():
            return "rows out of order"
    else:
        answer = answer.take(pa.array(np.argsort(place, kind="stable")))
        if not (np.sort(place) == np.arange(rows)).all():
            return "rows missing or repeated"
    tied = 0
    several = len(meta["views"]) > 1
    for view in meta["views"]:
        right = np.load(directory / f"{view['name']}.answer.npy")
        source = pq.read_table(directory / f"{view['name']}.parquet", columns=view["features"])
        index = pa.array(right, mask=right < 0)
        wrong = np.zeros(rows, bool)
        for feature in view["features"]:
            name = output_name(view, feature, several)
            if name not in answer.column_names:
                return f"no column {name}"
            column = source[feature]
            like = (column.type.value_type if pa.types.is_dictionary(column.type)
                    else column.type)
            expected = plain(column, like).take(index)
            got = plain(answer[name], like)
            if pa.types.is_floating(like):  # pandas and polars tell NaN from null or do not
                got = pc.if_else(pc.is_nan(got), None, got)
            if got.equals(expected):
                continue
            differs = pc.not_equal(got, expected)
            differs = pc.fill_null(differs, False).to_numpy(zero_copy_only=False)
            differs |= (got.is_null().to_numpy(zero_copy_only=False)
                        != expected.is_null().to_numpy(zero_copy_only=False))
            wrong |= differs
        if wrong.any():
            outside = wrong & ~full_ties(directory, view, right)
            if outside.any():
                return f"{int(outside.sum())} rows of {view['name']} differ"
            tied += int(wrong.sum())
    return "exact" if not tied else f"exact but for {tied} rows that tie in every respect"


def full_ties(directory: pathlib.Path, view: dict, right: np.ndarray) -> np.ndarray:
    """Which spine rows are answered by one of several rows equal in key, event and created time."""
    table = pq.read_table(directory / f"{view['name']}.parquet",
                          columns=view["keys"] + ["event_timestamp", "created_timestamp"])
    codes = [table["event_timestamp"].cast(pa.int64()).to_numpy(),
             table["created_timestamp"].cast(pa.int64()).to_numpy()]
    codes += [table[key].combine_chunks().dictionary_encode().indices.to_numpy()
              for key in view["keys"]]
    order = np.lexsort(codes)
    same = np.ones(len(order) - 1, bool)
    for code in codes:
        same &= np.diff(code[order]) == 0
    tied = np.zeros(len(order), bool)
    tied[order[1:][same]] = True
    tied[order[:-1][same]] = True
    return (right >= 0) & tied[right.clip(0)]
