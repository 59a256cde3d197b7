"""Runs many tests, each as a process of its own with a time limit, several at once, and says how each ended. None stops
another. Printed are a line a test as it ends, with what one that did not pass has printed, and in the end the counts. The
exit status is 0 if all passed.

    jobs.py tests BINARY [--filter PART] [--also BINARY] ...       every test that the binary lists; one that did not pass
                                                                   once more without graphs; the other binary as a whole
    jobs.py sanitizers BINARY --sanitizer PATH --probe PATH ...    the pairs of a tool and a test that are listed here
"""
import argparse
import os
import queue
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time

PASSED, FAILED, CRASHED, TIMED_OUT, SKIPPED, NOT_RUN = "PASSED", "FAILED", "CRASHED", "TIMED OUT", "SKIPPED", "NOT RUN"
MOST_KEPT = 8192  # bytes of what a test printed

# A tool, a test, and the kernels that it has; at most 16,000 launches each. Initcheck sees only what our kernels and copies
# write, so its test has no product of cuBLAS's.
PAIRS = [
    ("memcheck", "cuda_runs_from_the_middle_convert_what_they_read", "products, conversions"),
    ("memcheck", "cuda_gradients_of_every_operation", "elementwise, rowwise and loss kernels"),
    ("memcheck", "cuda_narrow_networks_with_tiles_in_turn_train_like_the_cpu", "tiles, their parts, updates"),
    ("racecheck", "cuda_every_loss_and_activation_on_tiles", "tiles"),
    ("racecheck", "cuda_trainings_agree_with_the_cpu", "rowwise and loss kernels, sums, updates"),
    ("initcheck", "cuda_steps_from_memory_of_the_callers_agree_with_steps_from_the_device", "streaming, gathering, tiles"),
]
ERRORS_FOUND = 99  # the sanitizer's exit status then
# The engine's own kernels: instrumenting cuBLAS's takes minutes, and finds what is not ours.
OURS = "kns=chainrule"

running = set()
lock = threading.RLock()  # a signal may come while it is held


def end(process):
    """The whole group, and no waiting for one that the driver holds."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    try:
        process.wait(timeout=2)
    except subprocess.TimeoutExpired:
        pass


class Job:
    def __init__(self, name, command, environment, limit, expected):
        self.name, self.command, self.environment, self.limit, self.expected = name, command, environment, limit, expected
        self.state, self.seconds, self.said, self.again = NOT_RUN, 0, "", None

    def run(self, deadline):
        limit = min(self.limit, deadline - time.time())
        if limit < 1:
            self.said = "the time was over"
            return
        with tempfile.TemporaryFile() as output:  # not a pipe: a child that lives on would hold it open
            begin = time.monotonic()
            try:
                process = subprocess.Popen(self.command, env={**os.environ, **self.environment}, stdin=subprocess.DEVNULL,
                                           stdout=output, stderr=subprocess.STDOUT, start_new_session=True)
            except OSError as problem:
                self.state, self.said = FAILED, str(problem)
                return
            with lock:
                running.add(process)
            try:
                status = process.wait(timeout=limit)
            except subprocess.TimeoutExpired:
                status = None
                end(process)
            with lock:
                running.discard(process)
            self.seconds = time.monotonic() - begin
            size = output.seek(0, os.SEEK_END)
            output.seek(0)
            text = output.read().decode(errors="replace")
        self.said = text if size <= MOST_KEPT else text[:MOST_KEPT // 2] + "\n...\n" + text[-MOST_KEPT // 2:]
        if status is None:
            self.state = TIMED_OUT
        elif status < 0:
            self.state = CRASHED
            self.said += f"\n(signal {-status})"
        else:
            self.state = self.expected(status, text)


def test_state(status, text):
    """A test that ended without its last line has not passed, whatever its status."""
    if status == 0 and re.search(r"^SKIPPED ", text, re.MULTILINE):
        return SKIPPED
    return PASSED if status == 0 and re.search(r"^[1-9]\d* passed, 0 failed", text, re.MULTILINE) else FAILED


def sanitizer_state(status, text):
    """Nor has one that no sanitizer looked at."""
    return test_state(status, text) if re.search(r"(ERROR|RACECHECK) SUMMARY: 0 ", text) else FAILED


def control_state(status, text):
    """A write past a block's end must be found: the filter by name has our kernels, and the tool sees into them."""
    return PASSED if status == ERRORS_FOUND and "Invalid __global__ write" in text else FAILED


def say(text):
    with lock:
        print(text, flush=True)


def say_result(job, what):
    line = f"{job.state:9} {job.name}{what}  {job.seconds:.1f} s"
    if job.state != PASSED:
        line += "".join(f"\n    {said}" for said in job.said.strip().splitlines())
    say(line)


def run_all(jobs, at_once, deadline, what=""):
    waiting = queue.SimpleQueue()
    for job in jobs:
        waiting.put(job)

    def work():
        while True:
            try:
                job = waiting.get_nowait()
            except queue.Empty:
                return
            job.run(deadline)
            say_result(job, what)

    threads = [threading.Thread(target=work) for _ in range(min(at_once, len(jobs)))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def summary(jobs):
    states = [job.state for job in jobs]
    counts = [(states.count(state), state) for state in (PASSED, FAILED, CRASHED, TIMED_OUT, SKIPPED, NOT_RUN)]
    say("\n" + ", ".join(f"{count} {state}" for count, state in counts if count))
    for job in jobs:
        if job.state != PASSED:
            again = f"; without graphs {job.again.state}, {job.again.seconds:.1f} s" if job.again else ""
            say(f"{job.state:9} {job.name}{again}")
    return 0 if set(states) == {PASSED} else 1


def tests(options):
    names = subprocess.run([options.binary, "--list"], stdout=subprocess.PIPE, text=True, check=True, timeout=60).stdout.split()
    jobs = [Job(name, [options.binary, "--only", name], {}, options.limit, test_state)
            for name in names if options.filter in name]
    if options.also:
        jobs.insert(0, Job(os.path.basename(options.also), [options.also], {}, 3 * options.limit, test_state))
    say(f"{len(jobs)} tests, {options.jobs} at once, {options.limit:.0f} s each")
    run_all(jobs, options.jobs, options.deadline)
    repeated = [job for job in jobs if job.state in (FAILED, CRASHED, TIMED_OUT) and "--only" in job.command]
    for job in repeated:
        job.again = Job(job.name, job.command, {"CHAINRULE_CUDA_GRAPHS": "0"}, options.limit, test_state)
    run_all([job.again for job in repeated], options.jobs, options.deadline, " without graphs")
    return summary(jobs)


def sanitizers(options):
    try:
        said = subprocess.run([options.sanitizer, "--help"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              timeout=60)
    except (OSError, subprocess.TimeoutExpired) as problem:
        say(f"compute-sanitizer does not start: {problem}")
        return 1
    by_name = "--kernel-name" if "--kernel-name" in said.stdout else "--kernel-regex"  # as older ones call it

    def command(tool, *test):
        return [options.sanitizer, "--tool", tool, by_name, OURS, "--print-limit", "20", "--error-exitcode",
                str(ERRORS_FOUND), *test]

    # Nothing of ours sees into a graph; and each block by itself, so that an overrun does not end in a neighbour.
    environment = {"CHAINRULE_CUDA_GRAPHS": "0", "CHAINRULE_CUDA_POOL": "0"}
    jobs = [Job(f"{tool} {test} ({what})", command(tool, options.binary, "--only", test), environment, options.limit,
                sanitizer_state) for tool, test, what in PAIRS]
    jobs.append(Job("memcheck finds the probe's overrun", command("memcheck", options.probe, "overrun"), {}, options.limit,
                    control_state))
    say(f"{len(jobs)} runs under compute-sanitizer, {options.jobs} at once, {options.limit:.0f} s each")
    run_all(jobs, options.jobs, options.deadline)
    return summary(jobs)


def stop(*_):
    with lock:
        left = list(running)
    for process in left:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    os._exit(143)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=["tests", "sanitizers"])
    parser.add_argument("binary")
    parser.add_argument("--filter", default="", help="only tests with this in their name")
    parser.add_argument("--also", default="", help="a test binary that is run as a whole, beside the others")
    parser.add_argument("--sanitizer", default="compute-sanitizer")
    parser.add_argument("--probe", default="probe")
    parser.add_argument("--jobs", type=int, default=max(2, (os.cpu_count() or 2) // 2), help="at once")
    parser.add_argument("--limit", type=float, default=40, help="seconds a test")
    parser.add_argument("--deadline", type=float, default=float("inf"), help="in seconds since 1970: what has not ended is ended")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, stop)
    sys.exit({"tests": tests, "sanitizers": sanitizers}[options.kind](options))


if __name__ == "__main__":
    main()
