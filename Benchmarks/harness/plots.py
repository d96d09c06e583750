"""Plots of a file of results, as SVG."""

import pathlib

from . import report
from .results import Results


def plots(results: Results, folder: pathlib.Path) -> list[pathlib.Path]:
    """The joins beside their peers; Larder's layouts; how cost grows."""
    import matplotlib
    matplotlib.use("svg")
    # The same figures give the same bytes.
    matplotlib.rcParams["svg.hashsalt"] = "larder"

    made = []
    for name, draw in [("joins", joins), ("layouts", layouts), ("growth", growth)]:
        figure = draw(results)
        if figure is not None:
            figure.tight_layout()
            made.append(folder / f"{name}.svg")
            figure.savefig(made[-1], metadata={"Date": None})
    return made


def medians(line: dict) -> dict[str, float]:
    return {name: part["median"] * 1000 for name, part in line["engines"].items()
            if "median" in part}


def bars(groups: dict[str, dict[str, float]]):
    """Groups of bars on a logarithmic scale of milliseconds; one colour a name."""
    import matplotlib.pyplot as plt

    names = list(dict.fromkeys(name for group in groups.values() for name in group))
    figure, axes = plt.subplots(figsize=(10, 4.5))
    width = 0.8 / len(names)
    for index, name in enumerate(names):
        points = [(at + index * width, group[name])
                  for at, group in enumerate(groups.values()) if name in group]
        axes.bar([x for x, _ in points], [y for _, y in points], width, label=name,
                 color=plt.get_cmap("tab20")(index % 20))
    axes.set_yscale("log")
    axes.set_ylabel("milliseconds, median")
    axes.set_xticks([at + 0.4 - width / 2 for at in range(len(groups))], list(groups))
    axes.set_ylim(bottom=min(min(group.values()) for group in groups.values()) / 3)
    axes.legend(fontsize="small", ncols=5, loc="lower center", bbox_to_anchor=(0.5, 1))
    return figure


def joins(results: Results):
    cells = {report.label(line): medians(line) for line in results.all("join ")
             if report.is_beside_peers(line)}
    return bars(cells) if cells else None


def layouts(results: Results):
    """One group a workload, one bar a layout; the best peer from storage beside, where known."""
    groups: dict[str, dict[str, float]] = {}
    peers = {report.label(line): report.best_peer(line, True) for line in results.all("join ")
             if report.is_beside_peers(line)}
    for line in results.all("join "):
        workload, _, layout = report.label(line).partition(" ")
        if not report.is_beside_peers(line) and "larder" in medians(line):
            groups.setdefault(workload, {})[layout] = medians(line)["larder"]
    for workload, group in groups.items():
        if peers.get(workload):
            group["best peer from storage"] = peers[workload][1] * 1000
    return bars(groups) if groups else None


def growth(results: Results):
    """A curve each, with a line through its first point in proportion to what grows."""
    curves = report.curves(results)
    if not curves:
        return None
    import matplotlib.pyplot as plt

    figure, grid = plt.subplots(2, 3, figsize=(12, 6.5), squeeze=False)
    for axes in grid.flat[len(curves):]:
        axes.set_visible(False)
    for axes, (curve, lines) in zip(grid.flat, curves.items()):
        at = [line["x"] for line in lines]
        axes.plot(at, [at_x * lines[0]["median"] * 1000 / at[0] for at_x in at], ":",
                  color="gray", label="proportional")
        axes.plot(at, [line["median"] * 1000 for line in lines], "o-", label="median")
        axes.set(title=f"join time against {curve}", xscale="log", yscale="log",
                 xlabel=curve, ylabel="ms")
        took = [line["median"] * 1000 for line in lines]
        axes.set_ylim(min(took) / 2, max(took) * 2)
        axes.grid(True, which="major", alpha=0.3)
        axes.legend(fontsize="small")
    return figure
