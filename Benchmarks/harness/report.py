"""Tables of a file of results."""

from .results import Results

# Peers that start from files or from their own storage; the others are handed frames in memory,
# sorted before the clock starts.
FROM_STORAGE = ("duckdb-", "chdb-", "polars-lazy", "polars-streaming", "pandas-parquet")


def milliseconds(seconds: float) -> str:
    value = seconds * 1000
    return f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:,.0f}"


def label(line: dict) -> str:
    return line["cell"].removeprefix("join ")


def is_beside_peers(line: dict) -> bool:
    return len(line["engines"]) > 1


def mark(verdict: str) -> str:
    """What follows a figure whose answer was not exact."""
    if verdict in ("exact", "not compared"):
        return ""
    return " *" if verdict.startswith("exact") else " WRONG"


def join_table(results: Results) -> str:
    """One row a workload, one column an engine: median ms, the ratio to Larder's, and whether exact."""
    cells = [line for line in results.all("join ") if is_beside_peers(line)]
    names = []
    for line in cells:
        names += [name for name in line["engines"] if name not in names]
    rows = [["join, ms"] + names]
    for line in cells:
        own = line["engines"]["larder"].get("median")
        row = [label(line)]
        for name in names:
            part = line["engines"].get(name)
            if part is None:
                row.append("")
            elif "failure" in part:
                row.append("failed")
            else:
                text = milliseconds(part["median"])
                if name != "larder" and own:
                    text += f" ({part['median'] / own:.1f}x)"
                row.append(text + mark(part["verdict"]))
        rows.append(row)
    return noted(rows, "* but for rows that tie in every respect")


def best_peer(line: dict | None, is_from_storage: bool) -> tuple[str, float] | None:
    """The fastest peer of a join, and its median."""
    found = [(part["median"], name) for name, part in (line or {"engines": {}})["engines"].items()
             if name != "larder" and "median" in part
             and (not is_from_storage or name.startswith(FROM_STORAGE))]
    return (min(found)[1], min(found)[0]) if found else None


def layout_table(results: Results) -> str:
    """Larder's layouts, each beside the best peer of the same query.

    A peer has no such layouts: what it took for the workload's join holds for all of them. Its answer
    to an as-known query would be another one; there is no peer beside those.
    """
    joins = {label(line): line for line in results.all("join ") if is_beside_peers(line)}
    rows = [["layout, ms", "median", "least", "most", "first query", "ns a spine row",
             "best peer from storage", "best peer of all"]]
    for line in results.all("join "):
        own = line["engines"]["larder"]
        if is_beside_peers(line):
            continue
        if "failure" in own:
            rows.append([label(line), "failed"] + [""] * 6)
            continue
        row = [label(line), milliseconds(own["median"]) + mark(own["verdict"]),
               milliseconds(own["least"]), milliseconds(own["most"]), milliseconds(own["first"]),
               f"{own['median'] * 1e9 / line['rows']:,.0f}" if "rows" in line else ""]
        workload = label(line).split(" ")[0]
        for is_from_storage in (True, False):
            peer = None
            if "as known" not in label(line):
                peer = best_peer(joins.get(workload), is_from_storage)
            row.append(f"{peer[0]} {milliseconds(peer[1])} ({peer[1] / own['median']:.1f}x)"
                       if peer else "")
        rows.append(row)
    return noted(rows, "The peers' times are those of the workload's join, the same query; they "
                       "have no such layouts. \"From storage\" leaves out peers that are handed "
                       "frames in memory, sorted before the clock starts.")


def load_table(results: Results) -> str:
    rows = [["load", "rows", "append s", "compact s", "segments", "bytes per row", "peak MiB"]]
    for line in results.all("load "):
        rows.append([
            line["cell"].removeprefix("load "), f"{line['rows']:,}", f"{line['append']:.2f}",
            f"{line['compact']:.2f}" if line.get("compact") is not None else "",
            str(line["segments"]), f"{line['bytes'] / max(line['rows'], 1):.2f}",
            f"{line['peak_bytes'] / 2**20:,.0f}" if "peak_bytes" in line else ""])
    return aligned(rows)


def spread_table(results: Results) -> str:
    """Every engine of every join once more: what it took before the query, the spread, memory."""
    rows = [["join, ms", "engine", "prepare s", "first", "least", "median", "most", "runs",
             "peak MiB"]]
    for line in results.all("join "):
        for name, part in line["engines"].items():
            if "median" in part:
                rows.append([label(line), name, f"{part['prepare']:.2f}"]
                            + [milliseconds(part[what])
                               for what in ("first", "least", "median", "most")]
                            + [str(part["runs"]), f"{part['peak_bytes'] / 2**20:,.0f}"])
            else:
                rows.append([label(line), name, part["failure"][:60]] + [""] * 6)
    return noted(rows, "prepare: what is done once before the query. Peers load or read and sort "
                       "there, Larder opens its store: what it took to load is above.")


def growth_table(results: Results) -> str:
    """Each curve: time, and how it grew beside what it was measured against."""
    rows = [["growth of", "to", "median ms", "first ms", "times as many", "times as long"]]
    before: dict[str, dict] = {}
    for curve, lines in curves(results).items():
        for line in lines:
            past = before.get(curve)
            rows.append([
                curve, f"{line['x']:,}", milliseconds(line["median"]) + mark(line["verdict"]),
                milliseconds(line["first"]),
                f"{line['x'] / past['x']:.1f}" if past else "",
                f"{line['median'] / past['median']:.1f}" if past else ""])
            before[curve] = line
    return aligned(rows)


def curves(results: Results) -> dict[str, list[dict]]:
    """The points of each curve of growth, in order."""
    found: dict[str, list[dict]] = {}
    for line in results.all("growth "):
        found.setdefault(line["cell"].removeprefix("growth ").rsplit(" ", 1)[0], []).append(line)
    for lines in found.values():
        lines.sort(key=lambda line: line["x"])
    return found


def size_table(results: Results) -> str:
    """Bytes per row of each column, then how fast each is read back."""
    tables = []
    for line in results.all("size "):
        names = list(line["bytes"])
        columns = line["columns"] + ["sum of scalars"]
        rows = [[f"{line['cell']}; bytes per row"] + names]
        for column in columns:
            rows.append([column] + [shown(line["bytes"][name].get(column)) for name in names])
        tables.append(aligned(rows))
        if line.get("rates"):
            names = list(line["rates"])
            rows = [["the same read back, GB/s"] + names]
            for column in line["columns"] + ["all scalars"]:
                rows.append([column] + [shown(line["rates"][name].get(column)) for name in names])
            tables.append(noted(rows, "One thread, files in the page cache, into Arrow columns; "
                                      "counted as the columns lie in memory. Larder gives the key and "
                                      "the times with every column: they are counted there. A stream "
                                      "reads batch by batch into memory that it uses again, where all "
                                      "others fill a result of their own; the first one of an open "
                                      "store verifies the checksums of all it reads."))
        for name, why in line.get("refused", {}).items():
            tables.append(f"{name}: {why}")
    return "\n\n".join(tables)


def shown(value) -> str:
    return "" if value is None else value if isinstance(value, str) else f"{value:.2f}"


def commit_table(results: Results) -> str:
    rows = [["durable commit, ms", "median", "p99", "most"]]
    for line in results.all("commit "):
        rows.append([line["cell"]] + [milliseconds(line[what]) for what in ("median", "p99", "most")])
    return aligned(rows)


def aligned(rows: list[list[str]]) -> str:
    if len(rows) < 2:
        return ""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]

    def text(row):
        return "| " + " | ".join(
            cell.ljust(width) if i == 0 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths))) + " |"
    rule = "| " + " | ".join(
        "-" * width if i == 0 else "-" * (width - 1) + ":" for i, width in enumerate(widths)) + " |"
    return "\n".join([text(rows[0]), rule] + [text(row) for row in rows[1:]])


def noted(rows: list[list[str]], note: str) -> str:
    """A table with a line below, or nothing."""
    table = aligned(rows)
    return f"{table}\n\n{note}" if table else ""


def everything(results: Results) -> str:
    head = results.lines[0]
    parts = [f"Measured on {head['machine']}, at commit {head['commit']}.", join_table(results),
             layout_table(results), growth_table(results), load_table(results),
             size_table(results), commit_table(results), spread_table(results)]
    return "\n\n".join(part for part in parts if part) + "\n"
