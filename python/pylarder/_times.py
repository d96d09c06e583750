"""Times as the engine reads them: ISO 8601, to the nanosecond."""

from __future__ import annotations

import datetime
from typing import Any

from ._errors import InvalidArgumentError


def iso(time: Any) -> str | None:
    """A time as text; None stays None. What has no zone is UTC.

    Args:
        time: a datetime, a date, a pandas Timestamp, a numpy datetime64, or text that is one.
    """
    if time is None or isinstance(time, str):
        return time
    nanoseconds = getattr(time, "nanosecond", 0)
    if isinstance(time, datetime.datetime):
        zone = time.utcoffset()
        if zone is not None:
            time = time.astimezone(datetime.timezone.utc)
            nanoseconds = getattr(time, "nanosecond", nanoseconds)
        text = time.strftime("%Y-%m-%dT%H:%M:%S.%f")
        # strftime does not pad years before 1000.
        text = text.rjust(26, "0")
        return f"{text}{nanoseconds:03d}Z" if nanoseconds else f"{text}Z"
    if isinstance(time, datetime.date):
        return time.isoformat()
    if type(time).__name__ == "datetime64":
        text = str(time)
        return text if "T" not in text else f"{text}Z"
    raise InvalidArgumentError(
        f"A time is a datetime, a date or a text in ISO 8601, not {type(time).__name__}."
    )
