#!/usr/bin/env python3
"""Holds Larder's Parquet and Arrow files against other people's readers and writers.

    check.py differential [FILES]    so many generated files (2,100) in both directions, and those of pandas, polars, duckdb
    check.py public PATH...          clones of apache/parquet-testing and apache/arrow-testing: read, or refused by name
    check.py speed [FILE...]         reading beside pyarrow in one run, one and two threads; without files, 10 M rows x 8
    check.py ingest [FILE...]        from Parquet to acknowledged, compacted segments: `larder define`, `import`, `compact`

Needs python3 with venv and the network once: pyarrow, pandas, polars and duckdb come from PyPI into a virtual environment
beside the build. LARDER_PYTHON names another interpreter that has them.
"""
import glob, json, os, shutil, subprocess, sys, tempfile, time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
GENERATE = os.path.join(ROOT, 'Tests/LarderInterchangeTests/Differential/generate.py')


def python():
    """An interpreter that has the other readers."""
    named = os.environ.get('LARDER_PYTHON')
    if named:
        return named
    home = os.path.join(ROOT, '.build', 'interchange-venv')
    interpreter = os.path.join(home, 'bin', 'python')
    if not os.path.exists(os.path.join(home, 'ready')):
        subprocess.run([sys.executable, '-m', 'venv', home], check=True)
        subprocess.run([interpreter, '-m', 'pip', 'install', '-q', 'pyarrow', 'pandas', 'polars', 'duckdb'], check=True)
        open(os.path.join(home, 'ready'), 'w').close()
    return interpreter


def swift_test(name, **variables):
    flags = os.environ.get('LARDER_TEST_FLAGS', '').split()
    return subprocess.run(['swift', 'test', '--package-path', ROOT, *flags, '--filter', name],
                          env={**os.environ, **variables}).returncode


def differential(count):
    # One third each: Parquet read, Arrow read, Parquet and Arrow written.
    return swift_test('DifferentialTests', LARDER_PYTHON=python(), LARDER_DIFFERENTIAL_FILES=str((count + 2) // 3))


def public(paths):
    failed = 0
    for path in paths:
        with tempfile.TemporaryDirectory() as directory:
            subprocess.run([python(), GENERATE, 'public', directory, path], check=True, stdout=subprocess.DEVNULL)
            failed |= swift_test('PublicFilesTests', LARDER_PUBLIC_FILES=directory)
    return failed


MAKE = """
import sys, numpy as np, pyarrow as pa, pyarrow.parquet as pq
n, directory = int(sys.argv[1]), sys.argv[2]
r = np.random.default_rng(42)
event = 1704067200000000 + np.sort(r.integers(0, 90 * 86400 * 10**6, n))
table = pa.table({
    'entity_id': pa.array(r.integers(0, 1000, n) * 2654435761), 'event_timestamp': pa.array(event, pa.timestamp('us')),
    'created_timestamp': pa.array(event + r.integers(0, 3 * 10**8, n), pa.timestamp('us')),
    'f_i64': pa.array(np.arange(n) * 7 + 11), 'f_f64a': pa.array(r.standard_normal(n)),
    'f_f64b': pa.array(np.round(r.exponential(100.0, n), 2), mask=r.random(n) < .05), 'f_bool': pa.array(r.random(n) < .3),
    'f_str': pa.DictionaryArray.from_arrays(
        pa.array(r.integers(0, 24, n, dtype=np.int32), mask=r.random(n) < .02), pa.array(['cat_%02d' % i for i in range(24)]))})
for codec in ('snappy', 'zstd'):
    pq.write_table(table, '%s/history-%s.parquet' % (directory, codec), row_group_size=1 << 20, compression=codec)
"""
READ = """
import sys, time, os
path, threads = sys.argv[1], int(sys.argv[2])
import pyarrow as pa, pyarrow.parquet as pq
pa.set_cpu_count(threads)
pq.read_metadata(path)
def timed(work):
    start, before = time.perf_counter(), os.times()
    work()
    after = os.times()
    return time.perf_counter() - start, after.user + after.system - before.user - before.system
def batches():
    # As Larder is timed: batch by batch, none kept.
    for batch in pq.ParquetFile(path).iter_batches(1 << 20, use_threads=threads > 1):
        pass
print(*min(timed(batches), timed(lambda: pq.read_table(path, use_threads=threads > 1))))
"""


def larder(command, path, threads):
    """Seconds and processor seconds of reading all columns."""
    out = subprocess.run([command, 'schema', path, '--json', '--read', '--threads', str(threads)], check=True,
                         stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
    run = json.loads(out)['read']
    return run['seconds'], run['processorSeconds']


def speed(files):
    command = os.environ.get('LARDER', os.path.join(ROOT, '.build/release/larder'))
    with tempfile.TemporaryDirectory() as directory:
        if not files:
            subprocess.run([python(), '-c', MAKE, '10000000', directory], check=True)
            files = ['%s/history-%s.parquet' % (directory, codec) for codec in ('snappy', 'zstd')]
        print('%-28s %7s %10s %10s %7s' % ('file', 'threads', 'larder s', 'pyarrow s', 'ratio'))
        slower = 0
        for path in files:
            for threads in (1, 2):
                ours, theirs = [], []
                # Taken in turn, so that what else the machine does meets both; the best of five.
                for _ in range(5):
                    ours.append(larder(command, path, threads))
                    text = subprocess.run([python(), '-c', READ, path, str(threads)], check=True, text=True,
                                          stdout=subprocess.PIPE).stdout.split()
                    theirs.append((float(text[0]), float(text[1])))
                a, b = min(ours), min(theirs)
                slower |= a[0] > b[0]
                print('%-28s %7d %10.3f %10.3f %7.2f   processor: %.3f %.3f' % (
                    os.path.basename(path), threads, a[0], b[0], b[0] / a[0], min(o[1] for o in ours),
                    min(t[1] for t in theirs)), flush=True)
    return int(slower)


def measured(command):
    """Runs a command: its seconds, processor seconds of user and system, and most memory in MiB."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        sys.exit('%s failed' % ' '.join(command))
    return time.perf_counter() - start, usage.ru_utime, usage.ru_stime, usage.ru_maxrss >> 10


def ingest(files):
    command = os.environ.get('LARDER', os.path.join(ROOT, '.build/release/larder'))
    with tempfile.TemporaryDirectory() as directory:
        if not files:
            subprocess.run([python(), '-c', MAKE, '10000000', directory], check=True)
            files = ['%s/history-%s.parquet' % (directory, codec) for codec in ('snappy', 'zstd')]
        print('%-28s %8s %8s %8s %10s %10s %9s' % ('file', 'import s', 'user s', 'system s', 'memory MiB', 'bytes/row', 'segments'))
        for path in files:
            runs = []
            for run in range(5):
                store = '%s/store-%d' % (directory, run)
                subprocess.run([command, 'define', store, 'v', path, '--keys', 'entity_id', '--timestamp', 'event_timestamp',
                                '--created', 'created_timestamp'], check=True, stderr=subprocess.DEVNULL)
                runs.append(measured([command, 'import', store, 'v', path]))
                segments = glob.glob(store + '/offline/*/*.seg')
                size = sum(os.path.getsize(segment) for segment in segments)
                found = subprocess.run([command, 'compact', store], check=True, stdout=subprocess.PIPE,
                                       stderr=subprocess.STDOUT, text=True).stdout
                if 'nothing to do' not in found:
                    print('compact found work: ' + found.strip())
                rows = json.loads(subprocess.run([command, 'schema', path, '--json'], check=True,
                                                 stdout=subprocess.PIPE).stdout)['rows']
                shutil.rmtree(store)
            best = min(runs)
            print('%-28s %8.2f %8.2f %8.2f %10d %10.2f %9d   all: %s' % (
                os.path.basename(path), *best, size / rows, len(segments), ' '.join('%.2f' % r[0] for r in runs)), flush=True)
    return 0


def main():
    what = sys.argv[1:2]
    if what == ['differential']:
        return differential(int(sys.argv[2]) if len(sys.argv) > 2 else 2100)
    if what == ['public'] and len(sys.argv) > 2:
        return public(sys.argv[2:])
    if what == ['speed']:
        return speed(sys.argv[2:])
    if what == ['ingest']:
        return ingest(sys.argv[2:])
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == '__main__':
    sys.exit(main())
