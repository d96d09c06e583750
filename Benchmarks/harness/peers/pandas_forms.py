"""pandas: merge_asof, from Parquet with the sorting, and over frames sorted before."""

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from .base import Peer


class SortedByTime(Peer):
    def frame(self, name: str):
        return pq.read_table(self.path(name)).to_pandas()

    def history_of(self, view: dict):
        order = ["event_timestamp", "created_timestamp"] if self.has_ties else ["event_timestamp"]
        frame = self.frame(view["name"]).sort_values(order, kind="stable")
        frame = frame[view["keys"] + ["event_timestamp"] + view["features"]]
        return frame.rename(columns=dict(self.outputs(view)))

    def inputs(self):
        spine = self.frame("spine").sort_values("event_timestamp", kind="stable")
        return spine, [self.history_of(view) for view in self.views]

    def prepare(self):
        self.spine, self.history = self.inputs()

    def merged(self, answer, history):
        for frame, view in zip(history, self.views):
            limit = view["time_to_live"]
            answer = pd.merge_asof(
                answer, frame, on="event_timestamp", by=view["keys"],
                tolerance=pd.Timedelta(limit, "us") if limit else None)
        return answer

    def run(self):
        return self.merged(self.spine, self.history)

    def table(self, answer):
        return pa.Table.from_pandas(answer, preserve_index=False)


class FromParquet(SortedByTime):
    """What a user writes: read, sort, merge, and put the rows back in their order."""

    ordered = True

    def prepare(self):
        pass

    def run(self):
        return self.merged(*self.inputs()).sort_values("row_id", kind="stable")


FORMS = {"pandas-sorted": SortedByTime, "pandas-parquet": FromParquet}
