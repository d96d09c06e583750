"""Writes Parquet and Arrow files with pyarrow, and beside each the values it holds as text.

    generate.py parquet|arrow|defaults|golden|kinds DIRECTORY COUNT SEED
    generate.py read DIRECTORY 0 0
    generate.py public DIRECTORY FROM 0

`read` reads back with pyarrow, polars and duckdb what Larder wrote; `public` copies the files of a tree into one directory,
with what pyarrow finds in the columns that it can read.

FILE.expected has a line for each column: name, tab, Larder's type, tab, the values. Values are
written so that no two differ in silence: floats by their bits, texts and bytes in hexadecimal.
"""
import decimal, math, os, random, struct, sys
import pyarrow as pa
import pyarrow.parquet as pq

RNG = random.Random()
NAN = ['nan']


def show(v, t):
    if v is None:
        return 'N'
    if pa.types.is_list(t) or pa.types.is_large_list(t) or pa.types.is_fixed_size_list(t):
        return '[' + ','.join(show(x, t.value_type) for x in v) + ']'
    if pa.types.is_dictionary(t):
        return show(v, t.value_type)
    if isinstance(t, pa.UuidType):
        return 's' + str(v).encode().hex()
    if isinstance(t, pa.JsonType):
        return 's' + v.encode().hex()
    if pa.types.is_boolean(t):
        return 'T' if v else 'F'
    if pa.types.is_float16(t) or pa.types.is_float32(t):
        return 'nan' if math.isnan(v) else 'f%x' % struct.unpack('<I', struct.pack('<f', v))[0]
    if pa.types.is_float64(t):
        return 'nan' if math.isnan(v) else 'd%x' % struct.unpack('<Q', struct.pack('<d', v))[0]
    if pa.types.is_decimal(t):
        return 's' + format(v, 'f').encode().hex()
    if isinstance(v, str):
        return 's' + v.encode().hex()
    if isinstance(v, bytes):
        return 'b' + v.hex()
    return str(v)


def raw(t):
    """The integers in which ticks and days are held."""
    if pa.types.is_date32(t) or pa.types.is_time32(t):
        return pa.int32()
    if pa.types.is_timestamp(t) or pa.types.is_time64(t) or pa.types.is_date64(t) or pa.types.is_duration(t):
        return pa.int64()
    return t


def strings(array, scaled):
    """The values of an array as text."""
    t = array.type
    if pa.types.is_list(t) or pa.types.is_large_list(t):
        inner, ends = strings(array.values, scaled), array.offsets.to_pylist()
        valid = array.is_valid().to_pylist()
        return ['[' + ','.join(inner[ends[i]:ends[i + 1]]) + ']' if v else 'N' for i, v in enumerate(valid)]
    if pa.types.is_fixed_size_list(t):
        inner, size = strings(array.values, scaled), t.list_size
        valid = array.is_valid().to_pylist()
        return ['[' + ','.join(inner[i * size:(i + 1) * size]) + ']' if v else 'N' for i, v in enumerate(valid)]
    if pa.types.is_dictionary(t):
        array = array.cast(t.value_type)
    if pa.types.is_date64(t) and scaled:
        array = array.cast(pa.date32())
    if pa.types.is_timestamp(t) and t.unit == 's' and scaled:
        array = array.cast(pa.timestamp('ms', t.tz))
    if pa.types.is_null(t):
        return ['N'] * len(array)
    if raw(array.type) != array.type:
        array = array.view(raw(array.type))
    return [show(v, array.type) for v in array.to_pylist()]


def larder(t, scaled=True):
    """Larder's name for what a column of the type becomes; `scaled`: Parquet has no seconds."""
    if pa.types.is_list(t) or pa.types.is_large_list(t) or pa.types.is_fixed_size_list(t):
        return 'list<%s>' % larder(t.value_type, scaled)
    if pa.types.is_dictionary(t):
        return larder(t.value_type, scaled)
    if isinstance(t, pa.UuidType):
        return 'uuid'
    if isinstance(t, pa.JsonType):
        return 'json'
    if pa.types.is_boolean(t):
        return 'bool'
    if t in (pa.int8(), pa.int16(), pa.int32(), pa.uint8(), pa.uint16()):
        return 'int32'
    if pa.types.is_integer(t) or pa.types.is_time(t) or pa.types.is_duration(t):
        return 'int64'
    if pa.types.is_float16(t) or pa.types.is_float32(t):
        return 'float32'
    if pa.types.is_float64(t):
        return 'float64'
    if pa.types.is_decimal(t):
        return 'decimal'
    if pa.types.is_date32(t) or (pa.types.is_date64(t) and scaled):
        return 'date'
    if pa.types.is_date64(t):
        return 'timestamp(ms)'
    if pa.types.is_timestamp(t):
        unit = 'ms' if scaled and t.unit == 's' else t.unit
        return 'timestamp' if unit == 'us' else 'timestamp(%s)' % unit
    if pa.types.is_null(t):
        return 'string'
    if pa.types.is_string(t) or pa.types.is_large_string(t) or pa.types.is_string_view(t):
        return 'string'
    return 'bytes'


def expected(table, scaled=True, types=None):
    lines = []
    for index, field in enumerate(table.schema):
        name = types[index] if types else larder(field.type, scaled)
        values = [text for chunk in table.column(index).chunks for text in strings(chunk, scaled)]
        lines.append('%s\t%s\t%s' % (field.name, name, ' '.join(values)))
    return '\n'.join(lines) + '\n'


def nulls(n):
    kind = RNG.choice(['none', 'none', 'some', 'half', 'most', 'all', 'runs', 'alternate', 'head', 'tail', 'one'])
    if kind == 'none':
        return [False] * n
    if kind == 'all':
        return [True] * n
    if kind == 'alternate':
        return [i % 2 == 0 for i in range(n)]
    if kind in ('head', 'tail'):
        k = RNG.randint(0, n)
        return [(i < k) == (kind == 'head') for i in range(n)]
    if kind == 'one':
        k = RNG.randint(0, max(n - 1, 0))
        return [i == k for i in range(n)]
    if kind == 'runs':
        out, value = [], RNG.random() < .5
        while len(out) < n:
            out += [value] * RNG.randint(1, 200)
            value = not value
        return out[:n]
    p = {'some': .03, 'half': .5, 'most': .95}[kind]
    return [RNG.random() < p for _ in range(n)]


def integers(n, low, high):
    kind = RNG.choice(['wide', 'narrow', 'few', 'rising', 'constant'])
    if kind == 'wide':
        return [RNG.choice([low, high, 0, RNG.randint(low, high), RNG.randint(low, high)]) for _ in range(n)]
    if kind == 'few':
        pool = [RNG.randint(low, high) for _ in range(RNG.randint(1, 40))]
        return [RNG.choice(pool) for _ in range(n)]
    if kind == 'constant':
        return [RNG.randint(low, high)] * n
    base, step = RNG.randint(low, high) // 2, RNG.randint(0, 3)
    if kind == 'narrow':
        return [min(max(base + RNG.randint(0, 100), low), high) for _ in range(n)]
    return [min(max(base + i * step + RNG.randint(0, 2), low), high) for i in range(n)]


def floats(n):
    kind = RNG.choice(['wide', 'few', 'special'])
    if kind == 'few':
        pool = [RNG.gauss(0, 1) for _ in range(RNG.randint(1, 30))]
        return [RNG.choice(pool) for _ in range(n)]
    if kind == 'special':
        return [RNG.choice([0.0, -0.0, float('inf'), -float('inf'), float('nan'), 1.5, 5e-324]) for _ in range(n)]
    return [RNG.gauss(0, 1000) for _ in range(n)]


WORDS = ['', 'a', 'ab', 'straße', '日本語', 'user-000000000000001', 'tenant-003', '🦔' * 3, 'x' * 300]


def texts(n):
    kind = RNG.choice(['few', 'wide', 'sorted', 'words', 'long'])
    if kind == 'few':
        pool = ['cat_%02d' % i for i in range(RNG.randint(1, 50))]
        return [RNG.choice(pool) for _ in range(n)]
    if kind == 'words':
        return [RNG.choice(WORDS) for _ in range(n)]
    if kind == 'sorted':
        return ['prefix/%08d/%s' % (i * 3, 'z' * RNG.randint(0, 5)) for i in range(n)]
    if kind == 'long':
        return [chr(RNG.randint(32, 1000)) * RNG.randint(0, 400) for _ in range(n)]
    return ['%x' % RNG.getrandbits(RNG.randint(1, 120)) for _ in range(n)]


def blobs(n, width=None):
    few = [RNG.randbytes(width or RNG.randint(0, 30)) for _ in range(RNG.randint(1, 20))]
    if RNG.random() < .5:
        return [RNG.choice(few) for _ in range(n)]
    return [RNG.randbytes(width or RNG.randint(0, 30)) for _ in range(n)]


def scalar(kind, n):
    """A type and so many values of it, none null."""
    ints = {'int8': 8, 'int16': 16, 'int32': 32, 'int64': 64}
    if kind in ints:
        b = ints[kind]
        return getattr(pa, kind)(), integers(n, -2**(b - 1), 2**(b - 1) - 1)
    if kind in ('uint8', 'uint16', 'uint32'):
        return getattr(pa, kind)(), integers(n, 0, 2**int(kind[4:]) - 1)
    if kind == 'uint64':
        return pa.uint64(), integers(n, 0, 2**63 - 1)
    if kind == 'bool':
        p = RNG.choice([0, .1, .5, 1])
        return pa.bool_(), [RNG.random() < p for _ in range(n)]
    if kind == 'float16':
        return pa.float16(), [struct.unpack('<e', struct.pack('<H', RNG.getrandbits(16)))[0] for _ in range(n)]
    if kind == 'float32':
        return pa.float32(), [struct.unpack('<f', struct.pack('<f', x))[0] if abs(x) < 3e38 or math.isinf(x) or math.isnan(x) else 1.0 for x in floats(n)]
    if kind == 'float64':
        return pa.float64(), floats(n)
    if kind in ('string', 'large_string', 'string_view'):
        return getattr(pa, kind)(), texts(n)
    if kind in ('binary', 'large_binary', 'binary_view'):
        return getattr(pa, kind)(), blobs(n)
    if kind == 'fixed':
        w = RNG.choice([1, 3, 8, 16, 20])
        return pa.binary(w), blobs(n, w)
    if kind == 'date32':
        return pa.date32(), integers(n, -2**31, 2**31 - 1)
    if kind == 'date64':
        return pa.date64(), [x * 86400000 for x in integers(n, -10**6, 10**6)]
    if kind == 'time32':
        return pa.time32('ms'), integers(n, 0, 86399999)
    if kind == 'time64':
        unit = RNG.choice(['us', 'ns'])
        return pa.time64(unit), integers(n, 0, 86399999999)
    if kind == 'timestamp':
        unit, tz = RNG.choice(['s', 'ms', 'us', 'ns']), RNG.choice([None, 'UTC', 'Europe/Berlin'])
        return pa.timestamp(unit, tz), integers(n, -2**52, 2**52)
    if kind == 'seconds':
        return pa.time32('s'), integers(n, 0, 86399)
    if kind == 'duration':
        return pa.duration(RNG.choice(['s', 'ms', 'us', 'ns'])), integers(n, -2**52, 2**52)
    if kind == 'decimal32':
        with decimal.localcontext(decimal.Context(prec=100)):
            return pa.decimal32(9, 3), [decimal.Decimal(x).scaleb(-3) for x in integers(n, -10**9 + 1, 10**9 - 1)]
    if kind == 'decimal64':
        with decimal.localcontext(decimal.Context(prec=100)):
            return pa.decimal64(18, 18), [decimal.Decimal(x).scaleb(-18) for x in integers(n, -10**18 + 1, 10**18 - 1)]
    if kind == 'decimal':
        p = RNG.choice([1, 5, 9, 12, 18, 25, 38])
        s = RNG.randint(0, p)
        top = 10**p - 1
        with decimal.localcontext(decimal.Context(prec=100)):
            return pa.decimal128(p, s), [decimal.Decimal(x).scaleb(-s) for x in integers(n, -top, top)]
    if kind == 'decimal256':
        p = RNG.choice([39, 60, 76])
        s = RNG.randint(0, p)
        top = 10**p - 1
        with decimal.localcontext(decimal.Context(prec=100)):
            return pa.decimal256(p, s), [decimal.Decimal(x).scaleb(-s) for x in integers(n, -top, top)]
    raise ValueError(kind)


def make(kind, n):
    """An array of a type, with nulls."""
    if kind == 'uuid' or kind == 'json':
        mask = nulls(n)
        if kind == 'uuid':
            storage = pa.array([None if m else RNG.randbytes(16) for m in mask], pa.binary(16))
            return pa.ExtensionArray.from_storage(pa.uuid(), storage)
        storage = pa.array([None if m else '{"a": %d}' % i for i, m in enumerate(mask)], pa.string())
        return pa.ExtensionArray.from_storage(pa.json_(), storage)
    if kind == 'null':
        return pa.nulls(n)
    if kind == 'dictionary':
        t, values = RNG.choice([scalar('string', n), scalar('string', n), scalar('int64', n)])
        array = pa.array([None if m else v for m, v in zip(nulls(n), values)], t)
        return array.dictionary_encode()
    if kind == 'large_list':
        rows = make('list', n)
        return rows.cast(pa.large_list(rows.type.value_type))
    if kind == 'fixed_list':
        size = RNG.randint(1, 5)
        t, values = scalar(RNG.choice(['int32', 'float64', 'string']), n * size)
        values = pa.array([None if m else v for m, v in zip(nulls(n * size), values)], t)
        return pa.FixedSizeListArray.from_arrays(values, size, mask=pa.array(nulls(n), pa.bool_()))
    if kind == 'list':
        inner = RNG.choice(['int32', 'int64', 'float32', 'float64', 'string', 'bool', 'timestamp', 'binary'])
        sizes = [RNG.choice([0, 0, 1, 2, 3, RNG.randint(0, 40)]) for _ in range(n)]
        t, values = scalar(inner, sum(sizes))
        values = [None if m else v for m, v in zip(nulls(sum(sizes)), values)]
        rows, at = [], 0
        for m, s in zip(nulls(n), sizes):
            rows.append(None if m else values[at:at + s])
            at += s
        return pa.array(rows, pa.list_(t))
    t, values = scalar(kind, n)
    values = [None if m else v for m, v in zip(nulls(n), values)]
    if raw(t) != t:
        return pa.array(values, raw(t)).view(t)
    return pa.array(values, t)


KINDS = ['int8', 'int16', 'int32', 'int64', 'uint8', 'uint16', 'uint32', 'uint64', 'bool', 'float16', 'float32',
         'float64', 'string', 'large_string', 'binary', 'fixed', 'date32', 'date64', 'time32', 'time64', 'timestamp',
         'decimal', 'decimal256', 'uuid', 'json', 'dictionary', 'list', 'list']


def rows():
    return RNG.choice([0, 1, 2, 7, 8, 9, 31, 64, 100, 127, 129, 500, 1000, RNG.randint(0, 300), RNG.randint(0, 3000)])


def encodings(t):
    if isinstance(t, (pa.UuidType, pa.JsonType)):
        return ['PLAIN']
    if pa.types.is_boolean(t):
        return ['PLAIN', 'RLE']
    if t in (pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64()) or \
            pa.types.is_timestamp(t) or pa.types.is_date(t) or pa.types.is_time(t):
        return ['PLAIN', 'DELTA_BINARY_PACKED', 'BYTE_STREAM_SPLIT']
    if pa.types.is_floating(t):
        return ['PLAIN', 'BYTE_STREAM_SPLIT']
    if pa.types.is_fixed_size_binary(t):
        return ['PLAIN', 'BYTE_STREAM_SPLIT', 'DELTA_BYTE_ARRAY']
    if pa.types.is_string(t) or pa.types.is_binary(t) or pa.types.is_large_string(t):
        return ['PLAIN', 'DELTA_LENGTH_BYTE_ARRAY', 'DELTA_BYTE_ARRAY']
    return ['PLAIN']


def parquet(path):
    n = rows()
    kinds = [RNG.choice(KINDS) for _ in range(RNG.randint(1, 6))]
    arrays = [make(k, n) for k in kinds]
    fields = []
    for i, a in enumerate(arrays):
        nullable = a.null_count > 0 or RNG.random() < .7
        fields.append(pa.field('c%d' % i, a.type, nullable))
    table = pa.Table.from_arrays(arrays, schema=pa.schema(fields))
    options = dict(
        compression=RNG.choice(['none', 'snappy', 'zstd', 'lz4', 'gzip', 'brotli']), version=RNG.choice(['1.0', '2.4', '2.6']),
        data_page_version=RNG.choice(['1.0', '2.0']), row_group_size=RNG.choice([None, 50, 100, 1000]),
        data_page_size=RNG.choice([None, 64, 500, 5000]), write_statistics=RNG.random() < .7,
        write_batch_size=RNG.choice([None, 1, 17, 100]), use_compliant_nested_type=RNG.random() < .7,
        write_page_checksum=RNG.random() < .4, store_schema=RNG.random() < .5, write_page_index=RNG.random() < .3,
        dictionary_pagesize_limit=RNG.choice([None, 20, 500]))
    if options['version'] == '1.0' and any(pa.types.is_timestamp(f.type) and f.type.unit == 'ns' for f in fields):
        options['version'] = '2.6'
    if options['version'] != '2.6' and 'list' in kinds:
        options['version'] = '2.6'
    if options['version'] == '1.0' and any(f.type == pa.uint32() for f in fields):
        options['version'] = '2.4'
    if options['version'] == '2.4' and any(pa.types.is_timestamp(f.type) and f.type.unit == 'ns' for f in fields):
        options['version'] = '2.6'
    flat = not any(k in ('list', 'dictionary') for k in kinds)
    if flat and RNG.random() < .6:
        options['use_dictionary'] = False
        options['column_encoding'] = {f.name: RNG.choice(encodings(f.type)) for f in fields}
    else:
        options['use_dictionary'] = RNG.random() < .7
    if n and RNG.random() < .1 and any(f.type == pa.timestamp('ns') for f in fields):
        options['use_deprecated_int96_timestamps'] = True
    options = {k: v for k, v in options.items() if v is not None}
    try:
        pq.write_table(table, path, **options)
    except OSError:
        # Not every version of pyarrow writes every type in every encoding.
        options.pop('column_encoding', None)
        pq.write_table(table, path, **options)
    types = [larder(f.type) for f in fields]
    if options.get('use_deprecated_int96_timestamps'):
        types = ['timestamp(ns)' if t.startswith('timestamp') else t for t in types]
        if any(pa.types.is_timestamp(f.type) and f.type.unit != 'ns' for f in fields):
            os.remove(path)
            return parquet(path)
    with open(path + '.expected', 'w') as f:
        f.write(expected(table, True, types))


ARROW_KINDS = KINDS + ['string_view', 'binary_view', 'large_list', 'fixed_list', 'duration', 'seconds', 'null',
                       'decimal32', 'decimal64', 'dictionary', 'dictionary']


def arrow(path):
    import pyarrow.ipc as ipc
    kinds = [RNG.choice(ARROW_KINDS) for _ in range(RNG.randint(1, 6))]
    batches = []
    stream = RNG.random() < .5
    for _ in range(RNG.choice([0, 1, 1, 2, 4])):
        n = RNG.choice([0, 1, 7, 8, 9, 64, RNG.randint(0, 500)])
        arrays = []
        for i, k in enumerate(kinds):
            a = make(k, n)
            while batches and a.type != batches[0].schema.types[i]:
                a = make(k, n)
            arrays.append(a)
        batches.append(pa.RecordBatch.from_arrays(arrays, ['c%d' % i for i in range(len(kinds))]))
    schema = batches[0].schema if batches else pa.schema([('c0', pa.int64()), ('c1', pa.string())])
    table = pa.Table.from_batches(batches, schema)
    deltas = RNG.random() < .7 or not stream
    if not stream or RNG.random() < .5:
        table = table.unify_dictionaries()
        batches = table.to_batches()
    options = ipc.IpcWriteOptions(compression=RNG.choice([None, None, 'zstd', 'lz4']), unify_dictionaries=not stream,
                                  emit_dictionary_deltas=deltas)
    make_writer = ipc.new_stream if stream else ipc.new_file
    with make_writer(path, schema, options=options) as writer:
        for batch in batches:
            writer.write_batch(batch)
    with open(path + '.expected', 'w') as f:
        f.write(expected(table, False))


def default_frames(directory, count):
    """Files as pandas, polars and duckdb write them with their defaults."""
    import duckdb, pandas, polars
    for index in range(count):
        n = rows()
        kinds = ['int32', 'int64', 'bool', 'float32', 'float64', 'string', 'date32', 'binary']
        arrays = [make(k, n) for k in kinds]
        arrays[6] = pa.array(integers(n, -10**5, 10**5), pa.int32()).view(pa.date32())
        arrays.append(pa.array(integers(n, -2**50, 2**50), pa.int64()).view(pa.timestamp('us')))
        kinds.append('timestamp')
        table = pa.table(dict(zip(kinds, arrays)))
        path = '%s/pandas%03d.parquet' % (directory, index)
        table.to_pandas(types_mapper=pandas.ArrowDtype).to_parquet(path)
        write_expected(path, table)
        path = '%s/polars%03d.parquet' % (directory, index)
        polars.from_arrow(table).write_parquet(path)
        write_expected(path, table)
        for version in ('V1', 'V2'):
            path = '%s/duckdb%s%03d.parquet' % (directory, version, index)
            frame = table
            duckdb.sql("copy frame to '%s' (format parquet, parquet_version %s)" % (path, version))
            write_expected(path, table)


def write_expected(path, table):
    with open(path + '.expected', 'w') as f:
        f.write(expected(table))


def golden_arrow(directory):
    """The small set that lies in fixtures/arrow."""
    import pyarrow.ipc as ipc
    kinds = list(dict.fromkeys(ARROW_KINDS))
    options = {
        'types.arrow': (ipc.new_file, {}), 'types.arrows': (ipc.new_stream, {}),
        'zstd.arrow': (ipc.new_file, {'compression': 'zstd'}), 'lz4.arrows': (ipc.new_stream, {'compression': 'lz4'}),
        'deltas.arrows': (ipc.new_stream, {'emit_dictionary_deltas': True})}
    for name, (make_writer, extra) in options.items():
        arrays = [make(k, 30) for k in kinds] if name != 'deltas.arrows' else []
        names = ['%s_%d' % (k, i) for i, k in enumerate(kinds)][:len(arrays)]
        if name == 'deltas.arrows':
            words = pa.array(['a', 'b', 'c', 'dd', 'e'])
            batches = [pa.RecordBatch.from_arrays([pa.DictionaryArray.from_arrays(
                pa.array([0, None, n - 1], pa.int8()), words[:n])], ['word']) for n in (2, 3, 5)]
        else:
            batches = [pa.RecordBatch.from_arrays(arrays, names)] * 2
        with make_writer(directory + '/' + name, batches[0].schema, options=ipc.IpcWriteOptions(**extra)) as writer:
            for batch in batches:
                writer.write_batch(batch)
        with open(directory + '/' + name + '.expected', 'w') as f:
            f.write(expected(pa.Table.from_batches(batches), False))


def golden(directory):
    """The small set that lies in fixtures/parquet."""
    n = 60
    flat = [k for k in KINDS if k not in ('list', 'dictionary')]

    def write(name, kinds, **options):
        arrays = [make(k, n) for k in kinds]
        table = pa.Table.from_arrays(arrays, ['%s_%d' % (k, i) for i, k in enumerate(kinds)])
        path = '%s/%s.parquet' % (directory, name)
        pq.write_table(table, path, **options)
        write_expected(path, table)
        return table

    write('types-dictionary-snappy', flat, compression='snappy', row_group_size=25)
    write('types-plain-zstd-v2', flat, compression='zstd', use_dictionary=False, data_page_version='2.0')
    numbers = ['int32', 'int64', 'int32', 'int64', 'date32', 'timestamp']
    write('delta-lz4', numbers + ['string', 'string', 'binary', 'fixed'], compression='lz4', use_dictionary=False,
          column_encoding={
              **{'%s_%d' % (k, i): 'DELTA_BINARY_PACKED' for i, k in enumerate(numbers)},
              'string_6': 'DELTA_LENGTH_BYTE_ARRAY', 'string_7': 'DELTA_BYTE_ARRAY', 'binary_8': 'DELTA_BYTE_ARRAY',
              'fixed_9': 'DELTA_BYTE_ARRAY'})
    split = ['int32', 'int64', 'float32', 'float64', 'fixed']
    write('byte-stream-split', split, compression='none', use_dictionary=False,
          column_encoding={'%s_%d' % (k, i): 'BYTE_STREAM_SPLIT' for i, k in enumerate(split)})
    write('lists-checksums', ['list'] * 5 + ['dictionary'] * 2, write_page_checksum=True, data_page_size=100)
    write('fallback-pages', ['string', 'int64'], dictionary_pagesize_limit=30, data_page_size=60, write_batch_size=5)
    n = 0
    write('no-rows', flat + ['list'])
    n = 20
    table = pa.table({'t': pa.array([None if i % 5 == 0 else (i - 9) * 10**15 + i for i in range(n)], pa.timestamp('ns'))})
    pq.write_table(table, directory + '/int96.parquet', use_deprecated_int96_timestamps=True)
    write_expected(directory + '/int96.parquet', table)


def flattened(table):
    """The leaves of groups as columns of their own: a.b."""
    while any(pa.types.is_struct(f.type) for f in table.schema):
        table = table.flatten()
    return table


def kinds(directory):
    """What people's files have beside the types: codecs, groups, nulls without a type; in fixtures/parquet and arrow."""
    import fastparquet, pandas, pyarrow.ipc as ipc
    n = 300
    flat = pa.Table.from_arrays([make(k, n) for k in ['int64', 'float64', 'string', 'list', 'timestamp', 'decimal']],
                                ['c%d' % i for i in range(6)])
    for codec in ('gzip', 'brotli'):
        for version in ('1.0', '2.0'):
            path = '%s/parquet/%s-v%s.parquet' % (directory, codec, version[0])
            pq.write_table(flat, path, compression=codec, data_page_version=version, row_group_size=100, data_page_size=200,
                           write_page_checksum=version == '2.0')
            write_expected(path, flat)
    point = pa.struct([('x', pa.int64()), ('y', pa.float64())])
    inner = pa.struct([('p', point), ('words', pa.list_(pa.string())), ('s', pa.string())])
    rows = []
    for i in range(80):
        p = None if i % 7 == 0 else {'x': None if i % 3 == 0 else i, 'y': i / 4}
        words = None if i % 5 == 0 else ['w%d' % k for k in range(i % 4)] + [None] * (i % 2)
        rows.append(None if i % 11 == 0 else {'p': p, 'words': words, 's': None if i % 2 else 't%d' % (i % 5)})
    groups = pa.table({'k': list(range(80)), 'g': pa.array(rows, inner), 'last': ['z'] * 80})
    pq.write_table(groups, directory + '/parquet/groups.parquet', row_group_size=33, data_page_size=100)
    write_expected(directory + '/parquet/groups.parquet', flattened(groups))
    nothing = pa.table({'a': [1, 2, 3], 'nothing': pa.nulls(3), 'b': ['x', None, 'z']})
    pq.write_table(nothing, directory + '/parquet/nothing.parquet')
    write_expected(directory + '/parquet/nothing.parquet', nothing)
    for name, table in (('groups', groups), ('nothing', nothing)):
        with ipc.new_file('%s/arrow/%s.arrow' % (directory, name), table.schema) as writer:
            for batch in table.to_batches(max_chunksize=33):
                writer.write_batch(batch)
        with open('%s/arrow/%s.arrow.expected' % (directory, name), 'w') as f:
            f.write(expected(flattened(table), False))
    frame = pandas.DataFrame({'k': [1, 2, 3], 'x': [1.5, 2.5, -0.0], 's': ['a', 'b', 'c']})
    fastparquet.write(directory + '/parquet/fastparquet.parquet', frame, compression='GZIP')
    write_expected(directory + '/parquet/fastparquet.parquet', pq.read_table(directory + '/parquet/fastparquet.parquet'))


def odd(directory):
    """Files that are refused, or read only where it is said how; in fixtures/files."""
    import polars, pyarrow.ipc as ipc
    os.makedirs(directory, exist_ok=True)
    times = pa.array([1, 2], pa.timestamp('us'))
    twice = pa.Table.from_arrays([pa.array([1, 2]), times, pa.array([1., 2.]), pa.array([3., 4.])], ['k', 't', 'x', 'x'])
    pq.write_table(twice, directory + '/twice.parquet')
    with ipc.new_file(directory + '/twice.arrow', twice.schema) as writer:
        writer.write_table(twice)
    pq.write_table(pa.table({'k': ['1', '2'], 't': times, 'x': [1., 2.]}), directory + '/text-key.parquet')
    pq.write_table(pa.table({'k': [1, 2], 't': times, 'meta': [{'a': 1}, None]}), directory + '/group.parquet')
    far = pa.table({'k': [1, 2], 't': times, 'until': pa.array([253402214400000000, 1], pa.timestamp('us'))})
    pq.write_table(far, directory + '/far-int96.parquet', use_deprecated_int96_timestamps=True)
    pq.write_table(far, directory + '/far.parquet')
    whole = [decimal.Decimal(7), decimal.Decimal(8)]
    pq.write_table(pa.table({'k': pa.array(whole, pa.decimal128(9, 0)), 't': times, 'x': [1, 2]}), directory + '/decimal-key.parquet')
    pq.write_table(pa.table({'k': [1, 2], 't': times, 'x': pa.array([1, 2**64 - 1], pa.uint64())}), directory + '/uint64.parquet')
    pq.write_table(pa.table({'k': [1, 2], 't': [1704067200, 1704067201], 'x': [1, 2]}), directory + '/seconds.parquet')
    pq.write_table(pa.table({'k': [1, 2], 't': times, 'x': pa.nulls(2)}), directory + '/nothing.parquet')
    for name, x in (('int', [1, 2]), ('int32', pa.array([1, 2], pa.int32())), ('large', [1, 2**53 + 1]), ('float', [1., None])):
        pq.write_table(pa.table({'k': [1, 2], 't': times, 'x': x}), '%s/%s.parquet' % (directory, name))
    polars.DataFrame({'k': [1, 2], 'big': polars.Series([1, 2], dtype=polars.Int128)}).write_ipc(directory + '/int128.arrow')
    one = pa.table({'k': [1]})
    with ipc.new_stream(directory + '/legacy.arrows', one.schema, options=ipc.IpcWriteOptions(use_legacy_format=True)) as writer:
        writer.write_table(one)
    # Many rows of nothing in few bytes.
    rows = 1 << 26
    with ipc.new_file(directory + '/no-bytes.arrow', pa.schema([('n', pa.null())])) as writer:
        writer.write_batch(pa.RecordBatch.from_arrays([pa.nulls(rows)], ['n']))


def read_back(directory):
    """Reads with pyarrow each file of a directory and writes what it holds as FILE.read."""
    import pyarrow.ipc as ipc
    for name in sorted(os.listdir(directory)):
        path = directory + '/' + name
        if name.endswith('.parquet'):
            table = pq.read_table(path)
        elif name.endswith('.arrow'):
            table = ipc.open_file(path).read_all()
        elif name.endswith('.arrows'):
            table = ipc.open_stream(path).read_all()
        else:
            continue
        table.validate(full=True)
        with open(path + '.read', 'w') as f:
            f.write(expected(table, name.endswith('.parquet')))
        if name.endswith('.parquet'):
            others_agree(path, table)


def others_agree(path, table):
    """polars and duckdb find what pyarrow finds, as far as their own types tell it."""
    import duckdb, polars
    plain = [f for f in table.schema if not pa.types.is_nested(f.type) and not isinstance(f.type, pa.JsonType)]
    if table.num_columns == 0:
        return
    for f in plain:
        ours = strings(table[f.name].combine_chunks(), True)
        columns = {'polars': lambda: polars.read_parquet(path, columns=[f.name]).to_arrow()}
        # duckdb keeps instants in the session's zone, days and times in a smaller range, and bytes as text of its own.
        if not pa.types.is_temporal(f.type):
            columns['duckdb'] = lambda: duckdb.sql("select \"%s\" from '%s'" % (f.name, path)).to_arrow_table()
        for name, read in columns.items():
            column = read()[f.name]
            if pa.types.is_dictionary(column.type):
                column = column.cast(column.type.value_type)
            theirs = strings(column.cast(f.type if not pa.types.is_dictionary(f.type) else f.type.value_type)
                             .combine_chunks(), True)
            if ours != theirs:
                raise SystemExit('%s: %s finds other values in %s' % (path, name, f.name))


def readable(t):
    """Whether the text form knows a type."""
    if pa.types.is_list(t) or pa.types.is_large_list(t) or pa.types.is_fixed_size_list(t):
        return not pa.types.is_nested(t.value_type) and readable(t.value_type)
    if pa.types.is_dictionary(t):
        return readable(t.value_type)
    known = (pa.types.is_primitive(t) or pa.types.is_string(t) or pa.types.is_large_string(t) or pa.types.is_binary(t)
             or pa.types.is_large_binary(t) or pa.types.is_fixed_size_binary(t) or pa.types.is_decimal(t)
             or pa.types.is_string_view(t) or pa.types.is_binary_view(t))
    return known and not pa.types.is_interval(t)


def public(directory, source):
    """Files that others publish for tests, flat in one directory, with what pyarrow finds in them."""
    import pyarrow.ipc as ipc, shutil
    for root, _, names in sorted(os.walk(source)):
        for name in sorted(names):
            path = os.path.join(root, name)
            lead = open(path, 'rb').read(8)
            kind = 'parquet' if lead[:4] in (b'PAR1', b'PARE') else 'arrow' if lead[:6] == b'ARROW1' else \
                'arrows' if lead[:4] == b'\xff\xff\xff\xff' else None
            if not kind or name.endswith('.expected'):
                continue
            # The end of a path tells files apart; a name is at most 255 bytes long.
            copy = os.path.join(directory, os.path.relpath(path, source).replace('/', '__')[-240:])
            shutil.copyfile(path, copy)
            os.chmod(copy, 0o644)
            try:
                if kind == 'parquet':
                    file = pq.ParquetFile(path)
                    # Of a group those leaves are compared that the text form knows.
                    columns = [f.name for f in file.schema_arrow if readable(f.type) or pa.types.is_struct(f.type)]
                    table = file.read(columns)
                else:
                    reader = ipc.open_file(path) if kind == 'arrow' else ipc.open_stream(path)
                    table = reader.read_all()
                table.validate(full=True)
                table = flattened(table)
                table = table.select([i for i, f in enumerate(table.schema) if readable(f.type)])
                text = expected(table, kind == 'parquet')
            except Exception as reason:
                print('pyarrow does not read %s: %s' % (os.path.basename(copy), str(reason).split('\n')[0]))
                continue
            with open(copy + '.expected', 'w') as f:
                f.write(text)


def main():
    what, directory = sys.argv[1], sys.argv[2]
    os.makedirs(directory, exist_ok=True)
    if what == 'public':
        return public(directory, sys.argv[3])
    count, seed = int(sys.argv[3]), int(sys.argv[4])
    RNG.seed(seed)
    if what == 'golden':
        os.makedirs(directory + '/parquet', exist_ok=True)
        os.makedirs(directory + '/arrow', exist_ok=True)
        golden(directory + '/parquet')
        return golden_arrow(directory + '/arrow')
    if what == 'kinds':
        odd(directory + '/files')
        return kinds(directory)
    if what == 'read':
        return read_back(directory)
    if what == 'defaults':
        return default_frames(directory, count)
    for index in range(count):
        RNG.seed(seed * 1000003 + index)
        if what == 'parquet':
            parquet('%s/%06d.parquet' % (directory, index))
        if what == 'arrow':
            arrow('%s/%06d.arrow' % (directory, index))


if __name__ == '__main__':
    main()
