"""What every driver of a peer knows of its workload."""

import json
import pathlib

from ..compare import output_name


class Peer:
    """A peer on one workload."""

    ordered = False

    def __init__(self, directory: pathlib.Path, threads: int):
        self.directory = directory
        self.threads = threads
        self.meta = json.loads((directory / "workload.json").read_text())
        self.views = self.meta["views"]
        # Where created times decide, a peer has to order by them too.
        self.has_ties = self.meta["workload"] == "f"

    def path(self, name: str) -> str:
        return str(self.directory / f"{name}.parquet")

    def outputs(self, view: dict) -> list[tuple[str, str]]:
        several = len(self.views) > 1
        return [(feature, output_name(view, feature, several)) for feature in view["features"]]

    def prepare(self):
        pass
