#!/usr/bin/env python3
"""Runs `verify` again and again beside writers: it must find no damage, for there is none.

    Tests/Crash/beside.py --larder .build/release/larder --verifies 1000
    Tests/Crash/beside.py --larder .build/release/larder --verifies 60 --seconds 40

`put`, `import`, `materialize`, `compact`, `forget` and `vacuum` run in loops of their own. At the end
`verify --deep` and `--parity` must find nothing, every acknowledged row must be there under its own key,
nobody else's may be, and the erased must be in no file. Exit code 1 if anything was wrong.
"""
import argparse, collections, os, random, shutil, subprocess, sys, threading, time
import place
from defining import VIEWS, definitions
from model import instant, line
from observed import error, exported, remains, strangers, Wrong

PEOPLE, ROWS = 12_000, 30_000


class Beside:
    def __init__(self, options):
        self.options = options
        self.larder = os.path.abspath(options.larder)
        self.folder = place.scratch("larder-beside-", options.folder)
        self.store = self.folder + "/s"
        self.rows = {}              # row as text -> person, acknowledged and not forgotten
        self.gone, self.erased = set(), set()
        self.lock, self.over = threading.Lock(), threading.Event()
        self.counts = collections.Counter()
        self.wrong = []
        self.next = 0

    def run(self, arguments, seconds=120):
        return subprocess.run([self.larder, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=seconds)

    def write(self, name, text):
        with open(f"{self.folder}/{name}", "w") as out:
            out.write(text)
        return f"{self.folder}/{name}"

    def begin(self):
        path = self.write("views.json", definitions({name: VIEWS[name][2] for name in ("stats", "visits")}))
        self.must(["apply", self.store, path])
        lines = ["id,t,value,who,small,note"]
        for number in range(ROWS):
            person = f"pushed-{number * 7_919 % PEOPLE:05d}"
            lines.append(f"{person},{instant(1_700_000_000 + number % 27 * 86_400)},{number},{person},1,n{number}")
        self.pushed = self.write("pushed.csv", "\n".join(lines) + "\n")
        self.must(["put", self.store, "stats", self.pushed])

    def must(self, arguments):
        done = self.run(arguments)
        if done.returncode != 0:
            raise Wrong(arguments[0], error(done))
        return done

    # The writers. Each may find a lock taken (6), never anything else.

    def put(self, _):
        return self.run(["put", self.store, "stats", self.pushed])

    def materialize(self, _):
        return self.run(["materialize", self.store])

    def compact(self, chance):
        how = chance.choice([[], ["--partition", "all"], ["--partition", "all", "--cold"]])
        return self.run(["compact", self.store, *how])

    def vacuum(self, _):
        return self.run(["vacuum", self.store])

    def insert(self, chance):
        with self.lock:
            begin, self.next = self.next, self.next + 5
        rows, text = {}, "id,t,value,who,small,note\n"
        for value in range(begin, begin + 5):
            person, when = f"person-{value % 5}-{begin:06d}", instant(1_690_000_000 + value * 61)
            cells = {"id": person, "t": when, "value": str(value), "who": person, "small": "3", "note": f"note {value}"}
            rows[line(cells)] = person
            text += ",".join(cells.values()) + "\n"
        done = self.run(["import", self.store, "stats", self.write(f"{begin}.csv", text)])
        os.unlink(f"{self.folder}/{begin}.csv")
        if done.returncode == 0:
            with self.lock:
                self.rows.update(rows)
        return done

    def forget(self, chance):
        with self.lock:
            people = sorted(set(self.rows.values()) - self.gone)
            if not people:
                return None
            person = chance.choice(people)
            self.gone.add(person)
        done = self.run(["forget", self.store, "--entity", "person", f"id={person}", "--yes"])
        if done.returncode == 0:
            self.erased.add(person)
        if done.returncode == 1:        # a reader holds a snapshot from before
            self.counts["forget pending"] += 1
            done.returncode = 0
        return done

    def loop(self, name, pause, seed):
        chance = random.Random(seed)
        while not self.over.is_set():
            done = getattr(self, name)(chance)
            if done is not None:
                self.counts[name if done.returncode == 0 else f"{name}: exit code {done.returncode}"] += 1
                if done.returncode not in (0, 6):
                    self.fails(f"{name}: {error(done)}")
            self.over.wait(pause)

    def fails(self, text):
        with self.lock:
            self.wrong.append(text)
            if len(self.wrong) <= 20:
                print(f"WRONG {text}", flush=True)

    def go(self):
        self.begin()
        seed = self.options.seed
        loops = [("put", 0.02), ("insert", 0.05), ("materialize", 0.2), ("compact", 0.3), ("forget", 0.3), ("vacuum", 0.5)]
        writers = [threading.Thread(target=self.loop, args=(name, pause, f"{seed}/{name}")) for name, pause in loops]
        begin = time.monotonic()
        for writer in writers:
            writer.start()
        try:
            while self.counts["verify"] < self.options.verifies and time.monotonic() - begin < self.options.seconds:
                deep = ["--deep"] if self.counts["verify"] % 5 == 4 else []
                done = self.run(["verify", self.store, *deep])
                self.counts["verify"] += 1
                if done.returncode != 0:
                    self.counts["verify with findings"] += 1
                    said = (done.stdout + done.stderr).decode(errors="replace").strip()
                    self.fails(f"verify {self.counts['verify']} {deep}: exit code {done.returncode}: {said[-300:]}")
        finally:
            self.over.set()
            for writer in writers:
                writer.join()
        self.end()

    def end(self):
        for arguments in (["verify", self.store, "--deep"], ["materialize", self.store],
                          ["verify", self.store, "--parity"]):
            done = self.run(arguments)
            if done.returncode != 0:
                self.fails(f"at the end: {arguments[0]} {arguments[-1]}: {error(done)} {done.stdout.decode()[-300:]}")
        try:
            seen = exported(self.run, self.store, "stats")
        except Wrong as wrong:
            return self.fails(str(wrong))
        foreign = list(strangers(seen))
        if foreign:
            self.fails(f"{len(foreign)} rows under keys that are not theirs: {foreign[:2]}")
        expected = {row for row, person in self.rows.items() if person not in self.gone}
        if seen != expected:
            self.fails(f"{len(expected - seen)} acknowledged rows lost, {len(seen - expected)} surplus")
        for person in sorted(self.gone):
            done = self.run(["forget", self.store, "--entity", "person", f"id={person}", "--yes"])
            if done.returncode != 0:
                self.fails(f"{person} is not erased with nobody beside: {error(done)}")
        found = remains(self.store, self.gone)
        if found:
            self.fails(f"erased people in files: {dict(list(found.items())[:5])}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--larder", required=True, help="the command under test")
    parser.add_argument("--verifies", type=int, default=1_000)
    parser.add_argument("--seconds", type=float, default=7_200, help="at most")
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--folder", help="where the store is made")
    options = parser.parse_args()
    if options.seed is None:
        options.seed = random.SystemRandom().randrange(10**9)
    print(f"seed {options.seed}")
    begin = time.monotonic()
    beside = Beside(options)
    try:
        beside.go()
    finally:
        shutil.rmtree(beside.folder, ignore_errors=True)
    print(f"{beside.counts['verify']} runs of verify, {beside.counts['verify with findings']} with findings; beside them "
          f"{ {name: count for name, count in sorted(beside.counts.items()) if not name.startswith('verify')} }; "
          f"{len(beside.wrong)} wrong, {time.monotonic() - begin:.0f} s")
    sys.exit(1 if beside.wrong else 0)


main()
