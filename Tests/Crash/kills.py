#!/usr/bin/env python3
"""Kills the real command at system calls that change files, runs the next ones, and compares with a model.

    Tests/Crash/kills.py --larder .build/release/larder --kills 500            random cases
    Tests/Crash/kills.py --larder .build/release/larder --each forget          a command at each of its calls,
                                                                               before each next command
    Tests/Crash/kills.py --larder .build/release/larder --case CASE            one case again

A case is a store; a command A that ends, or fails, at one call; a next command B; a third, trivial one; in
half of them with `verify` and `export` between. What was acknowledged must be there under its own keys,
what was not must be there whole or not at all, and whom `forget` erased must be in no file. Exit code 1 if
a case went wrong; each is printed as a line that plays it again.
"""
import argparse, collections, concurrent.futures, json, os, random, shutil, sys, threading, time
import place
from bases import BASES
from case import HARMS, Bench, Case
from commands import COMMANDS
from observed import Wrong

THIRD = ["import-news", "tag"]
LOOKS = ["looked"] * 5 + ["quiet"] * 4 + ["stale"]


class Run:
    def __init__(self, options):
        self.options = options
        self.folder = place.scratch("larder-kills-", options.folder)
        self.bench = Bench(os.path.abspath(options.larder), place.library(self.folder), self.folder, options.base_seed)
        self.lock = threading.Lock()
        self.kills = self.cases = self.number = 0
        self.pairs = collections.Counter()
        self.wrong = []                 # (pair, symptom, text, case)
        for base in options.bases:
            self.bench.base(base)

    def random_case(self, chance):
        """Any command, any next one; the call is chosen among those that the first one makes."""
        options = self.options
        warmth = chance.choice(["warm", "warm", "cold", "aged", "aged-cold"])
        # An erasure has the most steps, and promises the most; one in five kills is in one.
        erasures = [name for name in options.first if name.startswith("forget")]
        first = chance.choice(erasures if erasures and chance.random() < 0.2 else options.first)
        plain = Case(f"{chance.choice(options.bases)},{chance.randrange(3)},{warmth},{first},tag,tag,quiet")
        with self.lock:
            calls = self.bench.calls(plain)
        if not calls:
            return None
        harm = chance.choices(HARMS, options.harms)[0]
        # A third of the kills stand at the manifest: there a command becomes history.
        records = [place for place, call in enumerate(calls, start=1) if "/manifest-" in call]
        call = chance.choice(records) if records and chance.random() < 0.34 else chance.randrange(len(calls)) + 1
        if harm == "moment":
            call = chance.randrange(2_000, 25_000)
        second = chance.choice(options.second)
        if chance.random() < 0.15:
            second += f":kill@{chance.randrange(1, 25)}"
        look = chance.choice(LOOKS)
        if first == "vacuum" and look == "stale":
            look = "quiet"      # an old page that names snapshots whose files are gone
        return Case(f"{plain.base},{plain.seed},{warmth},{first}:{harm}@{call},"
                    f"{second},{chance.choice(THIRD)},{look}")

    def random_cases(self):
        chance = random.Random(self.options.seed)
        while self.kills < self.options.kills and not self.is_late():
            case = self.random_case(chance)
            if case:
                yield case

    def each(self, first):
        """A command at each of its calls, then each next command."""
        for base in self.options.bases:
            plain = Case(f"{base},0,warm,{first},tag,tag,quiet")
            with self.lock:
                calls = self.bench.calls(plain)
            for number, call in enumerate(calls, start=1):
                if "/LOCK " in call:
                    continue        # the holder's advice, which nothing depends on
                # Between a sync and the call after it lie stores into mapped files.
                for harm in ("kill", "kill-after") if "sync " in call else ("kill",):
                    for place, second in enumerate(self.options.second):
                        look = "looked" if (number + place) % 2 else "quiet"
                        if self.is_late():
                            return
                        yield Case(f"{base},0,warm,{first}:{harm}@{number},{second},{THIRD[place % 2]},{look}")

    def is_late(self):
        return time.monotonic() - self.begin > self.options.seconds

    def one(self, case):
        with self.lock:
            self.number += 1
            folder = f"{self.folder}/{self.number}"
        os.mkdir(folder)
        kills, wrong = 0, None
        try:
            kills = self.bench.play(case, folder)
        except Wrong as error:
            wrong = error
        except Exception as error:
            wrong = Wrong("the test itself", f"{type(error).__name__}: {error}")
        if self.options.keep and wrong:
            print(f"kept: {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
        with self.lock:
            self.cases += 1
            self.kills += kills or bool(wrong)
            self.pairs[case.pair] += 1
            if wrong:
                self.wrong.append((case.pair, wrong.symptom, str(wrong), case.text))
                if len(self.wrong) <= self.options.show:
                    print(f"WRONG {wrong}\n  {self.line(case)}", flush=True)

    def line(self, case):
        seed = f" --base-seed {self.options.base_seed}" if self.options.base_seed else ""
        return f"Tests/Crash/kills.py --larder {self.options.larder}{seed} --case {case.text}"

    def play(self, cases):
        """Some cases side by side: their processes wait for one another's disks, not for their own."""
        self.begin = time.monotonic()
        cases, gate = iter(cases), threading.Lock()

        def worker():
            while True:
                with gate:
                    case = next(cases, None)
                if case is None:
                    return
                self.one(case)
        with concurrent.futures.ThreadPoolExecutor(self.options.jobs) as pool:
            for done in [pool.submit(worker) for _ in range(self.options.jobs)]:
                done.result()

    def report(self):
        seconds = time.monotonic() - self.begin
        print(f"{self.cases} cases, {self.kills} kills, {len(self.pairs)} pairs of commands, "
              f"{len(self.wrong)} wrong, {seconds:.0f} s")
        by_first = collections.Counter(pair[0] for pair, *_ in self.wrong)
        for first in sorted({pair[0] for pair in self.pairs}):
            tried = sum(count for pair, count in self.pairs.items() if pair[0] == first)
            symptoms = collections.Counter(symptom for pair, symptom, *_ in self.wrong if pair[0] == first)
            if by_first[first]:
                print(f"  {first}: {by_first[first]} of {tried}: {dict(symptoms.most_common())}")
        if self.options.report:
            with open(self.options.report, "w") as out:
                json.dump({"cases": self.cases, "kills": self.kills, "seconds": seconds,
                           "pairs": [[*pair, count] for pair, count in sorted(self.pairs.items())],
                           "wrong": [[*pair, symptom, text, case] for pair, symptom, text, case in self.wrong]},
                          out, indent=1)
        return not self.wrong


def names(text):
    return text.split(",")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--larder", required=True, help="the command under test")
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--each", metavar="COMMAND", help="this command at each of its calls")
    parser.add_argument("--case", action="append", help="one case again")
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--base-seed", type=int, default=0, help="of the rows that the stores begin with")
    parser.add_argument("--seconds", type=float, default=7_200, help="at most")
    parser.add_argument("--jobs", type=int, default=2, help="cases side by side")
    parser.add_argument("--bases", type=names, default=list(BASES))
    parser.add_argument("--first", type=names, default=list(COMMANDS), help="commands that are harmed")
    parser.add_argument("--second", type=names, default=list(COMMANDS), help="commands that follow")
    parser.add_argument("--harms", type=lambda text: [float(part) for part in text.split(",")],
                        default=[50, 20, 8, 10, 4, 4, 4], help=f"weights of {', '.join(HARMS)}")
    parser.add_argument("--folder", help="where stores are made")
    parser.add_argument("--show", type=int, default=40, help="how many wrong cases are printed")
    parser.add_argument("--report", help="a JSON file of all that went wrong")
    parser.add_argument("--keep", action="store_true", help="keep the store of a wrong case")
    options = parser.parse_args()
    if options.seed is None:
        options.seed = random.SystemRandom().randrange(10**9)
    run = Run(options)
    try:
        if options.case:
            run.play([Case(text) for text in options.case])
        elif options.each:
            run.play(run.each(options.each))
        else:
            print(f"seed {options.seed}")
            run.play(run.random_cases())
        good = run.report()
        if good and not (options.case or options.each) and run.kills < options.kills:
            print(f"only {run.kills} of {options.kills} kills fit the time")
            good = False
    finally:
        if not options.keep:
            shutil.rmtree(run.folder, ignore_errors=True)
    sys.exit(0 if good else 1)


main()
