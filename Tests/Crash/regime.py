#!/usr/bin/env python3
"""Harms the real command at random moments of a long life, and checks that nothing acknowledged is lost.

    Tests/Crash/regime.py --larder .build/release/larder                 what .ci/run crash does
    Tests/Crash/regime.py --larder .build/release/larder --long 7200     up to two hours; figures add up
                                                                         in the file of --ledger

Kills, faults by LD_PRELOAD and a full disk, over import, fold, compact, vacuum, forget, materialize and
backup. What
a store must hold is known here, in another process. Exit code 1 if anything was lost, came back, or
was there by half. Every failure prints the seed with which it happens again.
"""
import argparse, collections, json, os, random, shutil, signal, subprocess, sys, tempfile, time
import place

DEFINITIONS = {
    "entities": [{"name": "person", "joinKeys": [{"name": "id", "type": "string"}]},
                 {"name": "shop", "joinKeys": [{"name": "shop", "type": "int64"}]}],
    "featureViews": [
        {"name": "stats", "entities": ["person"], "timestamp": "t",
         "features": [{"name": "value", "type": "int64"}, {"name": "note", "type": "string"}]},
        {"name": "visits", "entities": ["person", "shop"], "timestamp": "t",
         "features": [{"name": "value", "type": "int64"}]}]}


class Wrong(Exception):
    """The store is not what it must be."""


class Oracle:
    """A store, and the values that each view must have."""

    def __init__(self, larder, path, seed, work=None):
        # What is no part of the store lies beside it, or elsewhere.
        self.larder, self.path, self.work = larder, path, work or path
        self.copy = self.work + ".copy"
        self.random = random.Random(seed)
        self.rows = {"stats": {}, "visits": {}}     # value -> person
        self.forgotten = set()                      # acknowledged, and not written again since
        self.next = 0
        with open(self.work + ".json", "w") as out:
            json.dump(DEFINITIONS, out)
        self.must("apply", path, self.work + ".json")

    def run(self, *arguments, environment=None):
        return subprocess.run([self.larder, *arguments], stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, env=environment, timeout=120)

    def must(self, *arguments):
        done = self.run(*arguments)
        if done.returncode != 0:
            raise Wrong(f"{arguments}: exit code {done.returncode}: {done.stderr.decode()[-500:]}")
        return done

    def plan(self):
        """An operation: its arguments, and what the rows are if it is done."""
        kind = self.random.choices(
            ["import", "forget", "materialize", "compact", "vacuum", "backup"], [8, 2, 1, 2, 1, 1])[0]
        after = {view: dict(rows) for view, rows in self.rows.items()}
        forgotten = set(self.forgotten)
        if kind == "materialize":
            return ["materialize", self.path, "stats"], after, forgotten
        if kind == "compact":
            how = self.random.choice([[], ["--partition", "all"], ["--partition", "all", "--cold"]])
            return ["compact", self.path, *how], after, forgotten
        if kind == "vacuum":
            return ["vacuum", self.path], after, forgotten
        if kind == "backup":
            return ["backup", self.path, self.copy], after, forgotten
        if kind == "forget" and any(after.values()):
            person = self.random.choice(sorted({p for rows in after.values() for p in rows.values()}))
            for view in after:
                after[view] = {v: p for v, p in after[view].items() if p != person}
            forgotten.add(person)
            return ["forget", self.path, "--entity", "person", f"id={person}", "--yes",
                    "--certificate", self.work + ".certificate"], after, forgotten
        view = self.random.choice(["stats", "visits"])
        file = self.work + ".csv"
        with open(file, "w") as out:
            out.write("id,t,value,note\n" if view == "stats" else "id,shop,t,value\n")
            for _ in range(self.random.choice([1, 3, 40, 400])):
                value, self.next = self.next, self.next + 1
                person = f"person-{self.random.randrange(60):04d}"
                instant = 1_700_000_000_000_000 + self.random.randrange(10**9)
                after[view][value] = person
                forgotten.discard(person)
                out.write(f"{person},{instant},{value},note of {person}\n" if view == "stats"
                          else f"{person},{value % 7},{instant},{value}\n")
        return ["import", self.path, view, file], after, forgotten

    def held(self):
        """What the store holds now."""
        held = {}
        for view in self.rows:
            out = self.work + ".out.csv"
            self.must("export", self.path, view, "--output", out)
            with open(out) as lines:
                header = lines.readline().strip().split(",")
                person, value = header.index("id"), header.index("value")
                rows = [line.rstrip("\n").split(",") for line in lines]
            held[view] = {int(row[value]): row[person] for row in rows}
            if len(held[view]) != len(rows):
                raise Wrong(f"{view} has {len(rows) - len(held[view])} rows twice")
        return held

    def check_copy(self, is_done):
        """A copy that was made is whole; one that was cut off is whole or is no store."""
        if not os.path.isdir(self.copy):
            return
        seen = self.run("verify", self.copy)
        if seen.returncode < 0 or (is_done and seen.returncode != 0):
            raise Wrong(f"the copy: exit code {seen.returncode}: {seen.stderr.decode()[-500:]}")
        shutil.rmtree(self.copy)

    def check(self, after, forgotten, is_done):
        """Whole or not at all; what was acknowledged, whole."""
        self.check_copy(is_done)
        if not is_done:
            # A commit whose sync failed may be there or not; the next writer settles which.
            self.must("apply", self.path, self.work + ".json")
        self.must("verify", self.path)
        held = self.held()
        if held == after:
            self.rows = after
        elif is_done or held != self.rows:
            def difference(a, b):
                return {v: (len(a[v].keys() - b[v].keys()), len(b[v].keys() - a[v].keys())) for v in a}
            raise Wrong(f"lost and surplus {difference(self.rows, held)} against before, "
                        f"{difference(after, held)} against after; acknowledged: {is_done}")
        if is_done:
            self.forgotten = forgotten
        else:
            self.forgotten &= forgotten
        for person in self.forgotten:
            found = subprocess.run(["grep", "-rl", person, self.path], stdout=subprocess.PIPE)
            if found.stdout:
                raise Wrong(f"{person} is back in {found.stdout.decode()}")


def kill_loop(options, counts):
    """Ends the process at a random moment of a random operation."""
    with scratch() as folder:
        oracle = Oracle(options.larder, folder + "/s", options.seed)
        usual = collections.deque([0.05], maxlen=20)
        while not options.is_over("kills", counts):
            arguments, after, forgotten = oracle.plan()
            start = time.monotonic()
            process = subprocess.Popen([options.larder, *arguments], stdout=subprocess.DEVNULL,
                                       stderr=subprocess.DEVNULL)
            try:
                code = process.wait(oracle.random.random() * 1.1 * max(usual))
                usual.append(time.monotonic() - start)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                code = process.wait()
                counts["kills"] += 1
            if code > 0:
                raise Wrong(f"{arguments}: exit code {code}")
            oracle.check(after, forgotten, code == 0)
            if len(oracle.rows["stats"]) > 4_000:
                shutil.rmtree(folder + "/s")
                oracle = Oracle(options.larder, folder + "/s", oracle.random.random())


def fault_loop(options, counts):
    """Fails one system call, or all from one on, and opens the store again."""
    with scratch() as folder:
        library = place.library(folder)
        oracle = Oracle(options.larder, folder + "/s", options.seed + 1)
        for _ in range(6):
            arguments, after, forgotten = oracle.plan()
            oracle.must(*arguments)
            oracle.check(after, forgotten, True)
        reach = 60
        while not options.is_over("faults", counts):
            arguments, after, forgotten = oracle.plan()
            environment = dict(os.environ, LD_PRELOAD=library, FAULT_UNDER=oracle.path,
                               FAULT_AT=str(oracle.random.randrange(1, reach + 10)),
                               FAULT_KIND=oracle.random.choice(
                                   ["EIO", "EIO", "ENOSPC", "EINTR", "short", "kill"]),
                               FAULT_COUNT=folder + "/count")
            if oracle.random.random() < 0.4:
                environment["FAULT_STICKY"] = "1"
            done = oracle.run(*arguments, environment=environment)
            counts["faults"] += 1
            if os.path.exists(folder + "/count"):
                with open(folder + "/count") as count:
                    reach = max(20, int(count.read() or 20))
            if done.returncode < 0 and environment["FAULT_KIND"] != "kill":
                raise Wrong(f"{arguments} ended by signal {-done.returncode}: "
                            f"{ {k: v for k, v in environment.items() if k.startswith('FAULT')} }")
            oracle.check(after, forgotten, done.returncode == 0)
            if len(oracle.rows["stats"]) > 3_000:
                shutil.rmtree(folder + "/s")
                oracle = Oracle(options.larder, folder + "/s", oracle.random.random())


def full_disk(options, counts):
    """A disk that fills up refuses cleanly, and can be read and erased from all the same."""
    with scratch() as folder:
        disk = folder + "/disk"
        os.mkdir(disk)
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", disk],
                                 stderr=subprocess.PIPE)
        if mounted.returncode != 0:
            print("SKIPPED: no tmpfs can be mounted here, so no disk was filled")
            return
        try:
            oracle = Oracle(options.larder, disk + "/s", options.seed + 2, work=folder + "/s")
            for _ in range(400):
                arguments, after, forgotten = oracle.plan()
                if arguments[0] in ("materialize", "backup"):
                    continue
                done = oracle.run(*arguments)
                if done.returncode < 0:
                    raise Wrong(f"{arguments} ended by signal {-done.returncode}")
                if done.returncode != 0:
                    counts["refused"] += 1
                    oracle.must("verify", oracle.path)
                    if counts["refused"] > 10:
                        return
                else:
                    oracle.rows, oracle.forgotten = after, forgotten
            if not counts["refused"]:
                raise Wrong("the disk never became full")
        finally:
            subprocess.run(["umount", "-l", disk])


class scratch:
    def __enter__(self):
        self.path = tempfile.mkdtemp(prefix="larder-regime-")
        return self.path

    def __exit__(self, *_):
        shutil.rmtree(self.path, ignore_errors=True)


class Options:
    def __init__(self):
        parser = argparse.ArgumentParser(description=__doc__,
                                         formatter_class=argparse.RawDescriptionHelpFormatter)
        parser.add_argument("--larder", required=True, help="the command under test")
        parser.add_argument("--kills", type=int, default=200)
        parser.add_argument("--faults", type=int, default=500)
        parser.add_argument("--seconds", type=float, default=240, help="at most for each part")
        parser.add_argument("--long", type=float, metavar="SECONDS", help="run for so long instead")
        parser.add_argument("--ledger", help="a file that figures of several runs are added up in")
        parser.add_argument("--seed", type=int, default=None)
        given = parser.parse_args()
        self.larder = os.path.abspath(given.larder)
        self.ledger, self.long = given.ledger, given.long
        self.limits = {"kills": given.kills, "faults": given.faults}
        self.seconds = given.long / 2 if given.long else given.seconds
        self.seed = given.seed if given.seed is not None else random.SystemRandom().randrange(10**9)
        self.begin = time.monotonic()

    def is_over(self, what, counts):
        if time.monotonic() - self.begin > self.seconds:
            return True
        return not self.long and counts[what] >= self.limits[what]


def main():
    options = Options()
    counts = collections.Counter()
    print(f"seed {options.seed}")
    wrong = 0
    for part in (kill_loop, fault_loop, full_disk):
        options.begin = time.monotonic()
        try:
            part(options, counts)
        except Wrong as error:
            wrong += 1
            print(f"WRONG in {part.__name__}, seed {options.seed}: {error}")
        print(f"{part.__name__}: {time.monotonic() - options.begin:.0f} s, so far {dict(counts)}")
    if options.ledger:
        total = collections.Counter()
        if os.path.exists(options.ledger):
            with open(options.ledger) as ledger:
                total.update(json.load(ledger))
        total.update(counts)
        total["seconds"] += int(options.long or 0)
        with open(options.ledger, "w") as ledger:
            json.dump(total, ledger)
        print(f"in all: {dict(total)}")
    for what, limit in options.limits.items():
        if not options.long and counts[what] < limit:
            print(f"only {counts[what]} of {limit} {what} fit the time")
    sys.exit(1 if wrong else 0)


main()
