"""Weighs the columns of a Parquet file in one other format, in a process of its own:

  python -m harness.formats FORMAT FILE FOLDER

Prints one JSON line: bytes by column as the format keeps them, the least seconds of three to read
each back into Arrow ("all": the scalars at once), and why a column was refused.
"""

import importlib.metadata
import json
import pathlib
import sys
import time

import pyarrow as pa
import pyarrow.parquet as pq

from . import columns

ROUNDS = 3


class Format:
    """A column is written alone where a format does not tell what each column of a file takes."""

    def __init__(self, folder: pathlib.Path):
        self.folder = folder

    def write(self, table: pa.Table, path: pathlib.Path) -> None:
        raise NotImplementedError

    def read(self, path: pathlib.Path) -> pa.Table:
        raise NotImplementedError

    def weigh(self, path: pathlib.Path) -> int:
        return path.stat().st_size


class Parquet(Format):
    codec, level = "zstd", 3

    def write(self, table, path):
        pq.write_table(table, path, compression=self.codec, compression_level=self.level,
                       row_group_size=1 << 20)

    def read(self, path):
        return pq.read_table(path, use_threads=False)

    def weigh(self, path):
        meta = pq.ParquetFile(path).metadata
        return sum(meta.row_group(group).column(index).total_compressed_size
                   for group in range(meta.num_row_groups) for index in range(meta.num_columns))


class ParquetFast(Parquet):
    level = 1


class ParquetSnappy(Parquet):
    codec, level = "snappy", None


class Vortex(Format):
    options = "default"

    def write(self, table, path):
        import vortex
        getattr(vortex.io.VortexWriteOptions, self.options)().write(table, str(path))

    def read(self, path):
        import vortex
        return vortex.open(str(path)).scan().read_all().to_arrow_table()


class VortexCompact(Vortex):
    options = "compact"


class Lance(Format):
    settings: dict = {}

    def write(self, table, path):
        from lance.file import LanceFileWriter
        schema = pa.schema([field.with_metadata(self.settings) for field in table.schema])
        with LanceFileWriter(str(path), schema) as writer:
            for batch in table.cast(schema).to_batches():
                writer.write_batch(batch)

    def read(self, path):
        from lance.file import LanceFileReader
        return LanceFileReader(str(path)).read_all(batch_size=1 << 16).to_table()


class LanceZstd(Lance):
    settings = {"lance-encoding:compression": "zstd", "lance-encoding:compression-level": "3"}


class DuckDB(Format):
    """A database a column: its blocks are 256 KiB, so small columns weigh too much."""

    def __init__(self, folder):
        super().__init__(folder)
        self.opened = {}

    def connected(self, path, is_read_only):
        import duckdb
        connection = duckdb.connect(str(path), read_only=is_read_only)
        connection.execute("SET threads=1")
        return connection

    def write(self, table, path):
        with self.connected(path, False) as connection:
            connection.register("source", table)
            connection.execute("CREATE TABLE columns AS FROM source")
            connection.execute("CHECKPOINT")

    def read(self, path):
        if path not in self.opened:
            self.opened[path] = self.connected(path, True)
            self.opened[path].execute("SET TimeZone='UTC'")
        return self.opened[path].sql("FROM columns").to_arrow_table()


FORMATS = {"parquet zstd-1": ParquetFast, "parquet zstd-3": Parquet, "parquet snappy": ParquetSnappy,
           "vortex": Vortex, "vortex compact": VortexCompact, "lance": Lance,
           "lance zstd": LanceZstd, "duckdb": DuckDB}


def is_same(found: pa.Table, table: pa.Table) -> bool:
    """Whether the values came back; some formats give views or dictionaries for strings."""
    return found.num_rows == table.num_rows and all(
        found[name].cast(table[name].type).combine_chunks().equals(table[name].combine_chunks())
        for name in table.column_names)


def measured(kind: Format, table: pa.Table, folder: pathlib.Path) -> dict:
    answer: dict = {"bytes": {}, "scan": {}, "refused": {}}
    names = columns.SCALARS + columns.ALONE
    for name, asked in [(name, [name]) for name in names] + [("all", columns.SCALARS)]:
        path = folder / f"{name}.column"
        part = table.select(asked)
        try:
            path.unlink(missing_ok=True)
            kind.write(part, path)
            if not is_same(kind.read(path), part):
                raise ValueError("other values came back")
            times = []
            for _ in range(ROUNDS):
                start = time.perf_counter()
                kind.read(path)
                times.append(time.perf_counter() - start)
            answer["scan"][name] = min(times)
            if name != "all":
                answer["bytes"][name] = kind.weigh(path)
        except Exception as error:  # whatever a library throws is its answer
            answer["refused"][name] = f"{type(error).__name__}: {error}".splitlines()[0][:200]
    return answer


def main() -> None:
    name, source, folder = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
    folder.mkdir(parents=True, exist_ok=True)
    kind = FORMATS[name](folder)
    answer = measured(kind, pq.read_table(source), folder)
    package = {"parquet": "pyarrow", "vortex": "vortex-data", "lance": "pylance"}
    library = name.split(" ")[0]
    answer["version"] = importlib.metadata.version(package.get(library, library))
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
