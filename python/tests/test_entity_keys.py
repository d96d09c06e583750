"""Entity keys are Feast's bytes."""

import datetime as dt
import random

import pyarrow as pa
import pytest
from feast.infra.key_encoding_utils import serialize_entity_key
from feast.protos.feast.types.EntityKey_pb2 import EntityKey
from feast.protos.feast.types.Value_pb2 import Value

import pylarder

KINDS = {
    "string_val": (
        pa.string(),
        lambda r: "".join(r.choice("aé\u4e2d\U0001f600\0 ") for _ in range(r.randint(0, 12))),
    ),
    "bytes_val": (pa.binary(), lambda r: r.randbytes(r.randint(0, 12))),
    "int32_val": (pa.int32(), lambda r: r.randint(-(2**31), 2**31 - 1)),
    "int64_val": (pa.int64(), lambda r: r.randint(-(2**63), 2**63 - 1)),
    "unix_timestamp_val": (pa.timestamp("s"), lambda r: r.randint(-(2**40), 2**40)),
}


@pytest.mark.parametrize("seed", range(40))
def test_random_keys_of_all_types_are_byte_equal(seed):
    generator = random.Random(seed)
    names = []
    while len(names) < generator.randint(1, 5):
        name = "".join(
            generator.choice("abZ_é\uffee\U00010000") for _ in range(generator.randint(1, 6))
        )
        if name not in names:
            names.append(name)
    kinds = [generator.choice(list(KINDS)) for _ in names]
    rows = 25
    values = [[KINDS[kind][1](generator) for _ in range(rows)] for kind in kinds]
    columns = {}
    for name, kind, column in zip(names, kinds, values):
        arrow = KINDS[kind][0]
        array = (
            pa.array(column, pa.int64()).cast(arrow)
            if kind.startswith("unix")
            else pa.array(column, arrow)
        )
        columns[name] = array
    found = pylarder.entity_keys(columns).to_pylist()
    for row in range(rows):
        key = EntityKey(
            join_keys=names,
            entity_values=[Value(**{kind: column[row]}) for kind, column in zip(kinds, values)],
        )
        expected = serialize_entity_key(key, entity_key_serialization_version=3)
        assert found[row] == expected, (seed, row)


def test_what_is_no_key_is_refused():
    for column in [
        pa.array([1.5]),
        pa.array([True]),
        pa.array([None], pa.int64()),
        pa.array([dt.date(2024, 1, 1)]),
    ]:
        with pytest.raises(pylarder.InvalidInputError) as failure:
            pylarder.entity_keys({"k": column})
        assert failure.value.column == "k"
