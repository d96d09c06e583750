"""The engine's C interface by ctypes, which releases the GIL for the time of each call."""

from __future__ import annotations

import ctypes
import json
import os
from ctypes import POINTER, byref, c_char, c_char_p, c_int32, c_int64, c_uint64, c_void_p
from typing import Any

from ._errors import BY_CODE, Error


class ErrorStruct(ctypes.Structure):
    """`larder_error`."""

    _fields_ = [
        ("code", c_int32),
        ("row", c_int64),
        ("column", c_char * 256),
        ("message", c_char * 2048),
    ]


class ArrowSchema(ctypes.Structure):
    """`struct ArrowSchema`; released when collected, unless it was moved from."""

    _fields_ = [
        ("format", c_void_p),
        ("name", c_void_p),
        ("metadata", c_void_p),
        ("flags", c_int64),
        ("n_children", c_int64),
        ("children", c_void_p),
        ("dictionary", c_void_p),
        ("release", c_void_p),
        ("private_data", c_void_p),
    ]


class ArrowArray(ctypes.Structure):
    """`struct ArrowArray`."""

    _fields_ = [
        ("length", c_int64),
        ("null_count", c_int64),
        ("offset", c_int64),
        ("n_buffers", c_int64),
        ("n_children", c_int64),
        ("buffers", c_void_p),
        ("children", c_void_p),
        ("dictionary", c_void_p),
        ("release", c_void_p),
        ("private_data", c_void_p),
    ]


class ArrowArrayStream(ctypes.Structure):
    """`struct ArrowArrayStream`."""

    _fields_ = [
        ("get_schema", c_void_p),
        ("get_next", c_void_p),
        ("get_last_error", c_void_p),
        ("release", c_void_p),
        ("private_data", c_void_p),
    ]


_error = POINTER(ErrorStruct)
_text_place = POINTER(c_void_p)
_handle_place = POINTER(c_void_p)

# Everything that returns a code ends in the error struct; handles and Arrow structs go as
# addresses.
_signatures: dict[str, list[Any]] = {
    "larder_open": [c_char_p, c_char_p, _handle_place],
    "larder_snapshot": [c_void_p, c_uint64, _handle_place],
    "larder_snapshot_tagged": [c_void_p, c_char_p, _handle_place],
    "larder_apply": [c_void_p, c_char_p, c_char_p, _text_place],
    "larder_definitions": [c_void_p, _text_place],
    "larder_drop": [c_void_p, c_char_p, c_char_p, _text_place],
    "larder_append": [c_void_p, c_char_p, c_void_p, _text_place],
    "larder_replace": [c_void_p, c_char_p, c_char_p, c_void_p, _text_place],
    "larder_import_files": [c_void_p, c_char_p, c_char_p, _text_place],
    "larder_historical_features": [c_void_p, c_void_p, c_char_p, _handle_place],
    "larder_pull": [c_void_p, c_char_p, c_char_p, _handle_place],
    "larder_job_explain": [c_void_p, _text_place],
    "larder_job_schema": [c_void_p, c_void_p],
    "larder_job_collect": [c_void_p, c_void_p, c_void_p],
    "larder_job_stream": [c_void_p, c_void_p],
    "larder_job_report": [c_void_p, _text_place],
    "larder_why": [c_void_p, c_char_p, c_char_p, _text_place],
    "larder_materialize": [c_void_p, c_char_p, c_char_p, _text_place],
    "larder_write_online": [c_void_p, c_char_p, c_void_p, POINTER(c_int64)],
    "larder_end_writing": [c_void_p],
    "larder_tear_down": [c_void_p, c_char_p],
    "larder_read_online": [c_void_p, c_char_p, c_void_p, c_void_p, c_void_p, c_void_p],
    "larder_read_online_messages": [
        c_void_p,
        c_char_p,
        c_void_p,
        c_void_p,
        _text_place,
        POINTER(c_int64),
    ],
    "larder_entity_keys": [c_void_p, c_void_p, c_void_p, c_void_p],
    "larder_info": [c_void_p, _text_place],
    "larder_snapshots": [c_void_p, _text_place],
    "larder_compact": [c_void_p, c_char_p, _text_place],
    "larder_verify": [c_void_p, c_char_p, _text_place],
    "larder_find_commit": [c_void_p, c_char_p, _text_place],
    "larder_tag": [c_void_p, c_char_p, c_char_p, _text_place],
    "larder_remove_tag": [c_void_p, c_char_p],
    "larder_rollback": [c_void_p, c_uint64, c_char_p, _text_place],
    "larder_expire": [c_void_p, c_char_p, c_char_p, _text_place],
    "larder_vacuum": [c_void_p, c_char_p, _text_place],
    "larder_repair": [c_void_p, c_char_p, _text_place],
    "larder_backup": [c_void_p, c_char_p, _text_place],
    "larder_forget": [c_void_p, c_char_p, c_char_p, c_void_p, c_void_p, _text_place],
    "larder_finish_erasures": [c_void_p, c_char_p, _text_place],
}


def _load() -> ctypes.CDLL:
    path = os.environ.get("LARDER_LIBRARY") or os.path.join(
        os.path.dirname(os.path.abspath(__file__)), "liblarder.so"
    )
    library = ctypes.CDLL(path)
    for name, arguments in _signatures.items():
        function = getattr(library, name)
        function.argtypes = [*arguments, _error]
        function.restype = c_int32
    for name in ["larder_close", "larder_job_free", "larder_job_cancel", "larder_text_free"]:
        function = getattr(library, name)
        function.argtypes = [c_void_p]
        function.restype = None
    library.larder_version.argtypes = []
    library.larder_version.restype = c_char_p
    library.larder_code_name.argtypes = [c_int32]
    library.larder_code_name.restype = c_char_p
    return library


_loaded: ctypes.CDLL | None = None


def library() -> ctypes.CDLL:
    """The engine, loaded at the first call."""
    global _loaded
    if _loaded is None:
        _loaded = _load()
    return _loaded


def failure(error: ErrorStruct) -> Error:
    """The exception for a filled error struct."""
    kind = BY_CODE.get(error.code, Error)
    return kind(
        error.message.decode("utf-8", "replace"),
        column=error.column.decode("utf-8", "replace") or None,
        row=error.row if error.row >= 0 else None,
    )


def call(name: str, *arguments: Any) -> None:
    """Calls a function of the engine.

    Raises:
        Error: the one of the code that the function returned.
    """
    error = ErrorStruct()
    if getattr(library(), name)(*arguments, byref(error)) != 0:
        raise failure(error)


def call_for_text(name: str, *arguments: Any) -> str:
    """Calls a function whose last argument before the error is a place for text."""
    place = c_void_p()
    call(name, *arguments, byref(place))
    try:
        return ctypes.string_at(place.value or 0).decode("utf-8")
    finally:
        library().larder_text_free(place)


def call_for_json(name: str, *arguments: Any) -> Any:
    """Calls a function that gives a report."""
    return json.loads(call_for_text(name, *arguments))


def call_for_handle(name: str, *arguments: Any) -> int:
    """Calls a function whose last argument before the error is a place for a handle."""
    place = c_void_p()
    call(name, *arguments, byref(place))
    return place.value or 0


def options(**members: Any) -> bytes | None:
    """A JSON object of the members that are not None; None if there are none."""
    given = {name: value for name, value in members.items() if value is not None}
    return json.dumps(given).encode() if given else None
