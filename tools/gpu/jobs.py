"""Runs many tests and reports how each ended. Each test is a separate process with a time limit, and several run at once. A
failed test does not stop the others. Prints one line when a test ends, with the output of a test that did not pass, and the
counts at the end. The exit status is 0 if all passed.

    jobs.py tests BINARY [--filter PART] [--also BINARY] ...       runs every test that the binary lists, runs tests that did
                                                                   not pass again without graphs, and runs the other binary
                                                                   as a whole
    jobs.py sanitizers BINARY --sanitizer PATH --probe PATH ...    runs the pairs of a tool and a test that are listed here
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
MAX_OUTPUT = 8192  # the bytes of a test's output that are kept

# A tool, a test, and the kernels that the test launches, at most 16,000 times. Initcheck sees only what our kernels and
# copies write, so its test contains no product of cuBLAS.
PAIRS = [
    ("memcheck", "cuda_runs_from_the_middle_convert_what_they_read", "products, conversions"),
    ("memcheck", "cuda_gradients_of_every_operation", "elementwise, rowwise and loss kernels"),
    ("memcheck", "cuda_narrow_networks_with_tiles_in_turn_train_like_the_cpu", "tiles, their parts, updates"),
    ("racecheck", "cuda_every_loss_and_activation_on_tiles", "tiles"),
    ("racecheck", "cuda_trainings_agree_with_the_cpu", "rowwise and loss kernels, sums, updates"),
    ("initcheck", "cuda_steps_from_memory_of_the_callers_agree_with_steps_from_the_device", "streaming, gathering, tiles"),
]
ERRORS_FOUND = 99  # the sanitizer's exit status if it finds errors
# Only the engine's kernels: instrumenting those of cuBLAS takes minutes and finds no errors of ours.
OURS = "kns=chainrule"

running = set()
lock = threading.RLock()  # reentrant, because a signal can arrive while it is held


def end(process):
    """Kills the process group of a process. Does not wait long, because the driver can block the process."""
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
        self.state, self.seconds, self.message, self.again = NOT_RUN, 0, "", None

    def run(self, deadline):
        limit = min(self.limit, deadline - time.time())
        if limit < 1:
            self.message = "no time was left"
            return
        with tempfile.TemporaryFile() as output:  # not a pipe, because a child that keeps running would keep it open
            begin = time.monotonic()
            try:
                process = subprocess.Popen(self.command, env={**os.environ, **self.environment}, stdin=subprocess.DEVNULL,
                                           stdout=output, stderr=subprocess.STDOUT, start_new_session=True)
            except OSError as problem:
                self.state, self.message = FAILED, str(problem)
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
        self.message = text if size <= MAX_OUTPUT else text[:MAX_OUTPUT // 2] + "\n...\n" + text[-MAX_OUTPUT // 2:]
        if status is None:
            self.state = TIMED_OUT
        elif status < 0:
            self.state = CRASHED
            self.message += f"\n(signal {-status})"
        else:
            self.state = self.expected(status, text)


def test_state(status, text):
    """Returns how a test ended. A test that ends without its last line has not passed, whatever its status."""
    if status == 0 and re.search(r"^SKIPPED ", text, re.MULTILINE):
        return SKIPPED
    return PASSED if status == 0 and re.search(r"^[1-9]\d* passed, 0 failed", text, re.MULTILINE) else FAILED


def sanitizer_state(status, text):
    """Returns how a test under a sanitizer ended. It has only passed if the sanitizer reports no errors."""
    return test_state(status, text) if re.search(r"(ERROR|RACECHECK) SUMMARY: 0 ", text) else FAILED


def control_state(status, text):
    """Returns PASSED if the tool found the write past the end of a block, so the filter by name selects our kernels."""
    return PASSED if status == ERRORS_FOUND and "Invalid __global__ write" in text else FAILED


def log(text):
    with lock:
        print(text, flush=True)


def log_result(job, what):
    line = f"{job.state:9} {job.name}{what}  {job.seconds:.1f} s"
    if job.state != PASSED:
        line += "".join(f"\n    {text}" for text in job.message.strip().splitlines())
    log(line)


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
            log_result(job, what)

    threads = [threading.Thread(target=work) for _ in range(min(at_once, len(jobs)))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def summary(jobs):
    states = [job.state for job in jobs]
    counts = [(states.count(state), state) for state in (PASSED, FAILED, CRASHED, TIMED_OUT, SKIPPED, NOT_RUN)]
    log("\n" + ", ".join(f"{count} {state}" for count, state in counts if count))
    for job in jobs:
        if job.state != PASSED:
            again = f"; without graphs {job.again.state}, {job.again.seconds:.1f} s" if job.again else ""
            log(f"{job.state:9} {job.name}{again}")
    return 0 if set(states) == {PASSED} else 1


def tests(options):
    names = subprocess.run([options.binary, "--list"], stdout=subprocess.PIPE, text=True, check=True, timeout=60).stdout.split()
    jobs = [Job(name, [options.binary, "--only", name], {}, options.limit, test_state)
            for name in names if options.filter in name]
    if options.also:
        jobs.insert(0, Job(os.path.basename(options.also), [options.also], {}, 3 * options.limit, test_state))
    log(f"{len(jobs)} tests, {options.jobs} at once, {options.limit:.0f} s each")
    run_all(jobs, options.jobs, options.deadline)
    repeated = [job for job in jobs if job.state in (FAILED, CRASHED, TIMED_OUT) and "--only" in job.command]
    for job in repeated:
        job.again = Job(job.name, job.command, {"CHAINRULE_CUDA_GRAPHS": "0"}, options.limit, test_state)
    run_all([job.again for job in repeated], options.jobs, options.deadline, " without graphs")
    return summary(jobs)


def sanitizers(options):
    try:
        usage = subprocess.run([options.sanitizer, "--help"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                               timeout=60)
    except (OSError, subprocess.TimeoutExpired) as problem:
        log(f"compute-sanitizer does not start: {problem}")
        return 1
    # older versions call the option --kernel-regex
    by_name = "--kernel-name" if "--kernel-name" in usage.stdout else "--kernel-regex"

    def command(tool, *test):
        return [options.sanitizer, "--tool", tool, by_name, OURS, "--print-limit", "20", "--error-exitcode",
                str(ERRORS_FOUND), *test]

    # Without graphs, because the sanitizers do not check the kernels inside a graph. Without a pool, so that a write past the
    # end of a block does not hit another block.
    environment = {"CHAINRULE_CUDA_GRAPHS": "0", "CHAINRULE_CUDA_POOL": "0"}
    jobs = [Job(f"{tool} {test} ({what})", command(tool, options.binary, "--only", test), environment, options.limit,
                sanitizer_state) for tool, test, what in PAIRS]
    jobs.append(Job("memcheck finds the probe's overrun", command("memcheck", options.probe, "overrun"), {}, options.limit,
                    control_state))
    log(f"{len(jobs)} runs under compute-sanitizer, {options.jobs} at once, {options.limit:.0f} s each")
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
    parser.add_argument("--filter", default="", help="only tests whose name contains this")
    parser.add_argument("--also", default="", help="a test binary that is run as a whole in addition")
    parser.add_argument("--sanitizer", default="compute-sanitizer")
    parser.add_argument("--probe", default="probe")
    parser.add_argument("--jobs", type=int, default=max(2, (os.cpu_count() or 2) // 2), help="tests at once")
    parser.add_argument("--limit", type=float, default=40, help="seconds per test")
    parser.add_argument("--deadline", type=float, default=float("inf"),
                        help="in seconds since 1970; tests that run longer are killed")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, stop)
    sys.exit({"tests": tests, "sanitizers": sanitizers}[options.kind](options))


if __name__ == "__main__":
    main()
