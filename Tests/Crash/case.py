"""One case: a store, a command that is harmed at one call, the next command, a third one, and the checks."""
import json, os, random, re, shutil, signal, subprocess, threading, time
import observed
from maintenance import Backup, Forget
from commands import COMMANDS
from model import Refused
from observed import Wrong, error
from writing import Rows

# `moment` is a kill so many microseconds after the start; of the others faults.c tells.
HARMS = ["kill", "kill-after", "kill-half", "moment", "EIO", "ENOSPC", "short"]


class Case:
    """Written as BASE,SEED,warm|cold|aged|aged-cold,A:HARM@CALL,B[:HARM@CALL],C,looked|quiet|stale.

    warm or cold: whether STATE is trusted when A begins. aged: two hours have passed since the store was made, so
    that its earlier snapshots may go. looked: `verify` and `export` run after each harm. stale:
    STATE has its bytes of before A again when B begins, as if it came back from a copy.
    """

    def __init__(self, text):
        self.text = text
        self.base, seed, self.warmth, first, second, third, self.look = text.split(",")
        self.seed = int(seed)
        self.steps = [self.step(part) for part in (first, second, third)]

    @staticmethod
    def step(text):
        name, _, harm = text.partition(":")
        kind, _, call = harm.partition("@")
        return name, kind or None, int(call) if call else 0

    @property
    def pair(self):
        return self.steps[0][0], self.steps[1][0]


class Bench:
    """Runs cases of one binary. `bases` makes each base once and knows its state."""

    def __init__(self, larder, library, folder, base_seed):
        self.larder, self.library, self.folder, self.base_seed = larder, library, folder, base_seed
        self.bases, self.counts = {}, {}
        # Seconds that the clock is ahead in the case that this thread plays.
        self.clock = threading.local()

    def run(self, arguments, harm=None, call=0, store=None, log=None, seconds=60):
        environment = dict(os.environ, SWIFT_BACKTRACE="enable=no")
        if harm and harm not in HARMS:
            raise ValueError(f"no harm is called {harm}; there are {HARMS}")
        if log or harm and harm != "moment":
            environment.update(LD_PRELOAD=self.library, FAULT_UNDER=store, FAULT_CALLS="changes")
        if harm and harm != "moment":
            environment.update(FAULT_AT=str(call), FAULT_KIND=harm)
        if log:
            environment.update(FAULT_LOG=log)
        if getattr(self.clock, "ahead", 0):
            environment.setdefault("FAULT_UNDER", store or "/none")
            environment.update(LD_PRELOAD=self.library, FAULT_CLOCK=str(self.clock.ahead))
        if harm == "moment":
            return self.ended_at(arguments, call, environment)
        try:
            return subprocess.run([self.larder, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, env=environment, timeout=seconds)
        except subprocess.TimeoutExpired:
            raise Wrong("hangs", f"{arguments} took {seconds} s") from None

    def ended_at(self, arguments, microseconds, environment):
        """A process that is killed at a moment, whatever it does then: stores into mapped files too."""
        process = subprocess.Popen([self.larder, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, env=environment)
        time.sleep(microseconds / 1e6)
        process.kill()
        output, errors = process.communicate()
        return subprocess.CompletedProcess(arguments, process.returncode, output, errors)

    def base(self, name):
        if name not in self.bases:
            import bases
            folder = f"{self.folder}/{name}"
            os.mkdir(folder)
            self.bases[name] = (folder + "/s", bases.build(name, self.base_seed, folder, self.run))
        return self.bases[name]

    def begin(self, case, folder):
        """A copy of the base; its STATE is of another file, so a warm one is settled by a commit."""
        store, state = self.base(case.base)
        subprocess.run(["cp", "-r", "--sparse=always", store, folder + "/s"], check=True)
        self.clock.ahead = 7_200 if "aged" in case.warmth else 0
        if "cold" not in case.warmth:
            command = COMMANDS["import-news"]("import-news", 90, case.seed, state, folder)
            _, [state] = self.outcome(command, self.run(command.arguments()), [state], None)
        return state

    def outcome(self, command, done, states, harm):
        """The states that the store may have now: those before the command, and those after it."""
        whole, refusing = [], {}
        for state in states:
            try:
                whole.append(command.effect(state))
            except Refused as refusal:
                refusing.setdefault(refusal.code, []).append(state)
        if done.returncode == 0:
            if not whole:
                raise Wrong("accepted", f"{command.name} must refuse with {list(refusing)}")
            return [], whole
        if done.returncode < 0 and (done.returncode != -signal.SIGKILL or not harm):
            raise Wrong("signal", f"{command.name} ended by signal {-done.returncode}: {error(done)}")
        if not harm:
            if done.returncode in refusing:
                return refusing[done.returncode], []
            raise Wrong("next refused", f"{command.name}: {error(done)}")
        if done.returncode not in (-signal.SIGKILL, 1, 8) and done.returncode not in refusing:
            raise Wrong("exit code", f"{command.name} with {harm}: {error(done)}")
        before = states
        if isinstance(command, Rows):
            # Whom a command that was cut off wrote is not of the erasure's files.
            before = [state.copy() for state in states]
            for state in before:
                command.remember(state)
        return before, [half for state in states for half in command.halves(state)] + whole

    def calls(self, case):
        """How many calls that change files the first command makes, by a run that is not harmed."""
        name = case.steps[0][0]
        key = (case.base, case.seed, case.warmth, name)
        if key not in self.counts:
            folder = f"{self.folder}/count-{'-'.join(map(str, key))}"
            os.mkdir(folder)
            state = self.begin(case, folder)
            command = COMMANDS[name](name, 100, case.seed, state, folder)
            self.run(command.arguments(), store=folder + "/s", log=folder + "/log")
            lines = []
            if os.path.exists(folder + "/log"):
                with open(folder + "/log") as log:
                    lines = log.read().splitlines()
            shutil.rmtree(folder)
            self.counts[key] = lines
        return self.counts[key]

    def play(self, case, folder):
        """Runs the case. Wrong if anything acknowledged is lost, or anything else is there."""
        store = folder + "/s"
        chance = random.Random(case.text)
        world = self.begin(case, folder)
        states, kills = [world], 0
        unfinished = []     # erasures that were cut off
        with open(store + "/STATE", "rb") as page:
            stale = page.read()
        for place, (name, harm, call) in enumerate(case.steps):
            if place == 1 and case.look == "stale":
                with open(store + "/STATE", "r+b") as page:
                    page.write(stale)
            command = COMMANDS[name](name, 100 + place, case.seed, world, folder)
            copied = states
            done = self.run(command.arguments(), harm, call, store)
            kills += done.returncode == -signal.SIGKILL
            try:
                before, after = self.outcome(command, done, states, harm)
            except Wrong as wrong:
                raise Wrong(wrong.symptom, f"step {place + 1}: {wrong}") from None
            before, after = [state.copy() for state in before], [state.copy() for state in after]
            states = before + after
            if place == 0:
                named = self.unknown(done, before, after) if command.commits_once else None
            if isinstance(command, Forget):
                if done.returncode == 0:
                    self.erased(command, done, store)
                    unfinished = [other for other in unfinished if other.whom != command.whom]
                elif harm:
                    unfinished.append(command)
            if isinstance(command, Backup):
                self.copy(command, done, copied, unfinished, harm, folder)
            if harm and case.look == "looked":
                self.sound(["verify", store], unfinished)
                seen = observed.history(self.run, store, states)
                if not any(state is other for state in seen for other in before):
                    states = seen       # who was told of it once must be told of it always
        self.check(store, states, unfinished, named, chance)
        return kills

    @staticmethod
    def unknown(done, before, after):
        """The commit and chain hash that an error of unknown outcome names."""
        named = re.search(r"commit (\d+) with the chain hash ([0-9a-f]+)", done.stderr.decode(errors="replace"))
        for state in before:
            state.became = False
        for state in after:
            state.became = True
        return (int(named[1]), named[2]) if named and done.returncode == 8 else None

    def answered(self, store, states, named):
        """Whether the commit is in the list must be whether its rows are there."""
        listed = json.loads(self.run(["snapshots", store, "--json"]).stdout)
        if not any(commit["commit"] == 0 or commit["commit"] < named[0] for commit in listed):
            return      # a vacuum took what was before
        became = any((commit["commit"], commit["chainHash"]) == named for commit in listed)
        if not any(state.became == became for state in states):
            raise Wrong("unknown outcome", f"commit {named} is {'' if became else 'not '}listed, and it is the other way round")

    def check(self, store, states, unfinished, named, chance):
        self.sound(["verify", store, "--deep"], unfinished)
        states = self.compared(store, states, chance)
        if named:
            self.answered(store, states, named)
        for command in unfinished:
            done = self.run(command.arguments())
            if done.returncode != 0:
                raise Wrong("erasure never done", f"{command.whom}: {error(done)}")
            self.erased(command, done, store)
            states = [command.effect(state) for state in states]
        if unfinished:
            self.sound(["verify", store, "--deep"], [])
            states = self.compared(store, states, chance)
        self.nowhere(store, set.intersection(*(state.forgotten for state in states)))
        if chance.random() < 0.3:
            done = self.run(["materialize", store])
            if done.returncode != 0:
                raise Wrong("cannot materialize", error(done))
            whole = COMMANDS["materialize"]("materialize", 110, 0, states[0], os.path.dirname(store))
            observed.online(self.run, store, [whole.effect(state) for state in states], chance)
            self.sound(["verify", store, "--parity"], [])

    def compared(self, store, states, chance):
        """The states that history leaves. A batch that was cut off online may show only after the next write there,
        so what online tables say rules none out for later."""
        states = observed.history(self.run, store, states)
        states = observed.tags(self.run, store, states, chance)
        observed.online(self.run, store, states, chance)
        return states

    def sound(self, arguments, unfinished):
        done = self.run(arguments)
        said = (done.stdout + done.stderr).decode(errors="replace")
        if done.returncode == 1 and unfinished and "erasure" in said:
            return
        if done.returncode != 0:
            what = {"--deep": "verify --deep", "--parity": "parity"}.get(arguments[-1], "verify")
            raise Wrong(what, f"exit code {done.returncode}: {said.strip()[-400:]}")

    def erased(self, command, done, store):
        """An erasure that says it is complete has left nothing."""
        said = done.stdout.decode()
        if '"complete": true' not in said:
            raise Wrong("certificate", f"exit code 0, and not complete: {said[-300:]}")
        if command.column == "id":
            self.nowhere(store, {command.whom})

    def nowhere(self, store, people):
        found = observed.remains(store, people)
        if found:
            raise Wrong("in a file", f"erased people in files: {found}")

    def copy(self, command, done, states, unfinished, harm, folder):
        """A copy that was made is the store; one that was cut off is the store or is none."""
        target = command.arguments()[-1]
        if done.returncode > 0 and harm:
            again = self.run(command.arguments())
            if again.returncode != 0:
                raise Wrong("backup blocked", f"a failed backup leaves {os.path.exists(target)}: {error(again)}")
            done = again
        if done.returncode != 0:
            seen = self.run(["verify", target])
            if seen.returncode < 0:
                raise Wrong("signal", f"verify of half a copy: {error(seen)}")
            shutil.rmtree(target, ignore_errors=True)
            done = self.run(command.arguments())
            if done.returncode != 0:
                raise Wrong("backup blocked", f"after one that was cut off: {error(done)}")
        try:
            self.sound(["verify", target, "--deep"], unfinished)
            fitting = observed.history(self.run, target, states)
            observed.online(self.run, target, fitting, random.Random(0), most=2)
            for other in unfinished:
                finish = self.run([target if part == command.store else part for part in other.arguments()])
                if finish.returncode != 0:
                    raise Wrong("erasure never done", error(finish))
                self.erased(other, finish, target)
        except Wrong as wrong:
            raise Wrong("copy: " + wrong.symptom, str(wrong)) from None
        shutil.rmtree(target)


