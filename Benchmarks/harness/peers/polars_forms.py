"""Polars: join_asof lazily from Parquet, and over frames in memory, unsorted and sorted before."""

import datetime

import polars as pl

from .base import Peer


class Frames(Peer):
    """History and spine in memory, unsorted: sorting is part of the query."""

    def prepare(self):
        self.spine = pl.read_parquet(self.path("spine"))
        self.history = [pl.read_parquet(self.path(view["name"])) for view in self.views]

    @property
    def time_order(self) -> list[str]:
        return ["event_timestamp", "created_timestamp"] if self.has_ties else ["event_timestamp"]

    def chosen(self, frame, view: dict):
        return frame.select(view["keys"] + ["event_timestamp"] + [
            pl.col(feature).alias(name) for feature, name in self.outputs(view)])

    def joined(self, left, right, view: dict):
        limit = view["time_to_live"]
        return left.join_asof(
            right, on="event_timestamp", by=view["keys"], strategy="backward",
            tolerance=datetime.timedelta(microseconds=limit) if limit else None,
            check_sortedness=False)

    def run(self):
        answer = self.spine.sort("event_timestamp", maintain_order=True)
        for frame, view in zip(self.history, self.views):
            frame = frame.sort(self.time_order, maintain_order=True)
            answer = self.joined(answer, self.chosen(frame, view), view)
        return answer

    def table(self, answer):
        return answer.to_arrow(compat_level=pl.CompatLevel.oldest())


class SortedByTime(Frames):
    def prepare(self):
        super().prepare()
        self.spine = self.spine.sort("event_timestamp", maintain_order=True)
        self.history = [
            self.chosen(frame.sort(self.time_order, maintain_order=True), view).set_sorted(
                "event_timestamp")
            for frame, view in zip(self.history, self.views)]

    def run(self):
        answer = self.spine
        for frame, view in zip(self.history, self.views):
            answer = self.joined(answer, frame, view)
        return answer


class SortedByKey(SortedByTime):
    def prepare(self):
        Frames.prepare(self)
        self.spine = self.spine.sort(self.views[0]["keys"] + ["event_timestamp"])
        self.history = [
            self.chosen(frame.sort(view["keys"] + self.time_order, maintain_order=True), view)
            for frame, view in zip(self.history, self.views)]


class Lazy(Frames):
    engine = "in-memory"

    def prepare(self):
        pass

    def run(self):
        answer = pl.scan_parquet(self.path("spine")).sort("event_timestamp")
        for view in self.views:
            frame = pl.scan_parquet(self.path(view["name"]))
            frame = frame.sort(self.time_order, maintain_order=True)
            answer = self.joined(answer, self.chosen(frame, view), view)
        return answer.collect(engine=self.engine)


class Streaming(Lazy):
    engine = "streaming"


FORMS = {
    "polars-lazy": Lazy,
    "polars-streaming": Streaming,
    "polars-memory": Frames,
    "polars-sorted-by-time": SortedByTime,
    "polars-sorted-by-key": SortedByKey,
}
