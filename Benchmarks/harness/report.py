"""Tables and plots of a file of results."""

import pathlib

from .results import Results


def milliseconds(seconds: float) -> str:
    value = seconds * 1000
    return f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:,.0f}"


def join_table(results: Results) -> str:
    """One row a workload, one column an engine: median ms, the ratio to Larder's, and whether exact."""
    cells = results.all("join ")
    names = []
    for line in cells:
        names += [name for name in line["engines"] if name not in names]
    rows = [["join, ms"] + names]
    for line in cells:
        own = line["engines"]["larder"].get("median")
        row = [line["cell"].removeprefix("join ")]
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
                if part["verdict"] != "exact":
                    text += " *" if part["verdict"].startswith("exact") else " WRONG"
                row.append(text)
        rows.append(row)
    return aligned(rows) + "\n* but for rows that tie in every respect"


def load_table(results: Results) -> str:
    rows = [["load", "rows", "append s", "compact s", "segments", "bytes per row"]]
    for line in results.all("load "):
        rows.append([
            line["cell"].removeprefix("load "), f"{line['rows']:,}", f"{line['append']:.2f}",
            f"{line['compact']:.2f}" if line.get("compact") is not None else "",
            str(line["segments"]), f"{line['bytes'] / max(line['rows'], 1):.2f}"])
    return aligned(rows)


def memory_table(results: Results) -> str:
    rows = [["peak memory, MiB", "engine", "peak"]]
    for line in results.all("join "):
        for name, part in line["engines"].items():
            if "peak_bytes" in part:
                rows.append([line["cell"].removeprefix("join "), name,
                             f"{part['peak_bytes'] / 2**20:,.0f}"])
    return aligned(rows)


def size_table(results: Results) -> str:
    tables = []
    for line in results.all("size "):
        names = list(line["bytes"])
        rows = [[line["cell"]] + names]
        for column in line["columns"] + ["sum of scalars"]:
            row = [column]
            for name in names:
                value = line["bytes"][name].get(column)
                row.append("" if value is None else f"{value:.2f}")
            rows.append(row)
        tables.append(aligned(rows))
    return "\n\n".join(tables)


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


def everything(results: Results) -> str:
    head = results.lines[0]
    parts = [f"Measured on {head['machine']}, at commit {head['commit']}.", join_table(results),
             load_table(results), size_table(results), memory_table(results)]
    return "\n\n".join(part for part in parts if part) + "\n"


def plots(results: Results, folder: pathlib.Path) -> list[pathlib.Path]:
    """One SVG of the joins beside their peers, one of how cost grows."""
    import matplotlib
    matplotlib.use("svg")
    import matplotlib.pyplot as plt

    made = []
    cells = [line for line in results.all("join ") if "median" in line["engines"]["larder"]]
    if cells:
        names = []
        for line in cells:
            names += [name for name in line["engines"] if name not in names]
        figure, axes = plt.subplots(figsize=(10, 4.5))
        width = 0.8 / len(names)
        for index, name in enumerate(names):
            points = [(at + index * width, line["engines"][name]["median"] * 1000)
                      for at, line in enumerate(cells)
                      if "median" in line["engines"].get(name, {})]
            axes.bar([x for x, _ in points], [y for _, y in points], width, label=name)
        axes.set_yscale("log")
        axes.set_ylabel("milliseconds, median")
        axes.set_xticks([at + 0.4 - width / 2 for at in range(len(cells))],
                        [line["cell"].removeprefix("join ") for line in cells], rotation=30,
                        ha="right")
        axes.legend(fontsize="small", ncols=3)
        figure.tight_layout()
        made.append(folder / "joins.svg")
        figure.savefig(made[-1])
    curves = {}
    for line in results.all("growth "):
        curves.setdefault(line["cell"].removeprefix("growth ").rsplit(" ", 1)[0], []).append(line)
    if curves:
        figure, grid = plt.subplots(2, 3, figsize=(12, 6))
        for axes, (curve, lines) in zip(grid.flat, curves.items()):
            lines.sort(key=lambda line: line["x"])
            axes.plot([line["x"] for line in lines], [line["median"] * 1000 for line in lines], "o-")
            axes.set(title=curve, xscale="log", yscale="log", ylabel="ms")
        figure.tight_layout()
        made.append(folder / "growth.svg")
        figure.savefig(made[-1])
    return made
