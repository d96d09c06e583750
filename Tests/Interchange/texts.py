#!/usr/bin/env python3
"""Holds each value that Larder finds in CSV files against its cell.

    texts.py lay DIRECTORY PATH...    copies the CSV files of trees into one directory
    texts.py compare DIRECTORY        reads each as text by duckdb, and what PublicTextsTests made of it, cell by cell

A value is right if it prints to its cell: integers but for nothing, floats but for zeros at the end, times as the same instant.
Run `lay`, then the test with LARDER_PUBLIC_TEXTS, then `compare`. Needs pyarrow and duckdb.
"""
import collections, datetime, decimal, os, re, shutil, sys


def lay(directory, paths):
    os.makedirs(directory, exist_ok=True)
    for source in paths:
        for root, _, names in os.walk(source):
            for name in names:
                if name.lower().endswith(('.csv', '.tsv')):
                    path = os.path.join(root, name)
                    copy = os.path.relpath(path, os.path.dirname(source)).replace('/', '__')[-200:]
                    shutil.copyfile(path, os.path.join(directory, copy))
                    os.chmod(os.path.join(directory, copy), 0o644)


def instant(text):
    text = text.strip().replace(',', '.')
    text = re.sub(r' ?UTC$|[zZ]$', '+00:00', text)
    text = re.sub(r'([+-]\d\d)(\d\d)$', r'\1:\2', text) if re.search(r'T|:| ', text) else text
    fraction = re.search(r'\.(\d+)', text)
    nanoseconds = int((fraction.group(1) + '0' * 9)[:9]) if fraction else 0
    moment = datetime.datetime.fromisoformat(re.sub(r'\.\d+', '', text))
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=datetime.timezone.utc)
    epoch = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
    return (moment - epoch) // datetime.timedelta(seconds=1) * 10**9 + nanoseconds


def right(cell, value, kind):
    import pyarrow as pa
    if value is None:
        return cell is None or cell == ''
    if cell is None:
        return value == '' or kind == pa.string() and value.strip() == ''
    if kind == pa.string():
        return cell == value
    if kind == pa.bool_():
        return cell.strip().lower() == ('true' if value else 'false')
    if kind == pa.int64():
        return cell.strip() == str(value)
    if kind == pa.float64():
        text = cell.strip()
        return re.fullmatch(r'-?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?', text) and decimal.Decimal(text) == decimal.Decimal(repr(value))
    if kind == pa.date32():
        return cell.strip() == value.isoformat()
    return instant(cell) == value


def compare(directory):
    import duckdb, pyarrow as pa, pyarrow.parquet as pq
    decimal.getcontext().prec = 60
    tally, types, wrong = collections.Counter(), collections.Counter(), []
    for name in sorted(os.listdir(directory)):
        path = os.path.join(directory, name)
        if name.endswith('.parquet') or not os.path.exists(path + '.parquet'):
            tally['refused'] += not name.endswith('.parquet')
            continue
        ours = pq.read_table(path + '.parquet')
        if ours.num_columns == 0 or ours.num_rows == 0:
            tally['empty'] += 1
            continue
        lead = open(path, 'rb').read(1 << 16).decode('utf-8', 'ignore').split('\n')[0]
        delimiter = max(',;\t|', key=lead.count)
        try:
            theirs = duckdb.read_csv(path, all_varchar=True, header=True, delimiter=delimiter, quotechar='"', escapechar='"',
                                     strict_mode=False, null_padding=False, max_line_size=1 << 24).to_arrow_table()
        except Exception as reason:
            tally['duckdb refuses'] += 1
            continue
        if theirs.num_rows != ours.num_rows:
            tally['rows differ'] += 1
            print('%s: %d rows, and duckdb has %d' % (name, ours.num_rows, theirs.num_rows))
            continue
        tally['compared'] += 1
        for field in ours.schema:
            if field.name not in theirs.column_names:
                tally['columns of another name'] += 1
                continue
            column = ours[field.name]
            if pa.types.is_timestamp(field.type):
                column = column.cast(pa.timestamp(field.type.unit)).cast(pa.int64())
                scale = {'s': 10**9, 'ms': 10**6, 'us': 1000, 'ns': 1}[field.type.unit]
                values = [None if v is None else v * scale for v in column.to_pylist()]
            else:
                values = column.to_pylist()
            types[str(field.type)] += 1
            for row, (cell, value) in enumerate(zip(theirs[field.name].to_pylist(), values)):
                tally['cells'] += 1
                if not right(cell, value, field.type):
                    wrong.append((name, field.name, row, cell, value, str(field.type)))
                    break
    print(dict(tally), dict(types), 'columns with a wrong cell:', len(wrong))
    for line in wrong[:40]:
        print(line)
    return len(wrong) > 0


if __name__ == '__main__':
    sys.exit(lay(sys.argv[2], sys.argv[3:]) if sys.argv[1] == 'lay' else compare(sys.argv[2]))
