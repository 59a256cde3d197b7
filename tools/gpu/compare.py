"""Compares the training steps of Chainrule and PyTorch with SGD on the same networks, parameters and batches.

All contenders of a workload exist at the same time, and each round measures all of them. A device that becomes warm and slow
therefore affects all contenders. A result is the median over the rounds of the time per step. PyTorch is timed with events on
the device, from the start of the first step to the end of the last. Chainrule is timed with the CPU's clock, because each of
its steps ends when the loss has reached the CPU; this time is never shorter. `floor` is only the products of a step, as one
CUDA graph of cuBLAS calls.

The measurements of --measure run one after the other in one process. A contender that fails is marked in the table, and the
others continue. Results are written after every workload. With --deadline, a workload that would end later does not start.
"""
import argparse
import concurrent.futures
import gc
import json
import os
import platform
import signal
import statistics
import subprocess
import sys
import threading
import time

import numpy
import torch

WORKLOADS = {  # layers, activation, loss, batch size: the workloads of benchmarks/, then two for GPUs
    "tiny": ([2, 8, 8, 2], "sigmoid", "softmax_cross_entropy", 32),
    "mnist-s": ([784, 128, 10], "relu", "softmax_cross_entropy", 64),
    "mnist-m": ([784, 512, 256, 10], "relu", "softmax_cross_entropy", 128),
    "wide": ([1024, 2048, 2048, 1000], "relu", "softmax_cross_entropy", 256),
    "alex-fc": ([9216, 4096, 4096, 1000], "relu", "softmax_cross_entropy", 128),
    "deep": ([256] * 13, "sigmoid", "mean_squared_error", 64),
    "regress": ([64, 1], "relu", "mean_squared_error", 1024),
    "skinny": ([32, 32, 32, 1], "relu", "mean_squared_error", 65536),
    "huge": ([8192, 8192, 8192, 1000], "relu", "softmax_cross_entropy", 4096),
    "fused-small": ([64, 64, 64, 64, 3], "relu", "mean_squared_error", 65536),
}
PRECISIONS = ["float32", "tf32", "bfloat16"]
LEARNING_RATE = 0.01
CHECKED_STEPS = 20
INPUT_STREAM, TARGET_STREAM = 1000, 1001
ANSWER_SECONDS = 60
CONTENDER_SECONDS = 45  # per action of a contender, so that a compiler that hangs does not use up the time of the others
LOSS_TOLERANCE = {"float32": 1e-3, "tf32": 1e-2, "bfloat16": 5e-2}


def uniform_chunk(stream, first, out):
    """Writes uniform values in [-1, 1) for the indices from `first` on; the same function as in benchmark.cpp."""
    x = numpy.arange(first, first + out.size, dtype=numpy.uint64)
    x += numpy.uint64(((stream << 40) + 0x9E3779B97F4A7C15) % 2**64)
    x ^= x >> numpy.uint64(30)
    x *= numpy.uint64(0xBF58476D1CE4E5B9)
    x ^= x >> numpy.uint64(27)
    x *= numpy.uint64(0x94D049BB133111EB)
    x ^= x >> numpy.uint64(31)
    x >>= numpy.uint64(40)
    numpy.subtract(x.view(numpy.int64), 2**23, out=out, casting="unsafe")
    out /= numpy.float32(2**23)


def uniform_value(stream, count):
    """Returns `count` uniform values. Uses all cores and pieces that fit into the cache; NumPy releases Python's lock."""
    values = numpy.empty(count, dtype=numpy.float32)
    piece = 1 << 18
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(lambda first: uniform_chunk(stream, first, values[first:first + piece]), range(0, count, piece)))
    return values


def scaled(stream, shape, scale):
    values = uniform_value(stream, int(numpy.prod(shape)))
    values *= numpy.float32(numpy.sqrt(numpy.float32(scale)))
    return torch.from_numpy(values.reshape(shape))


class Numbers:
    """The batch and the initial weights of a workload on the device, created once for all contenders of PyTorch."""

    def __init__(self, workload, device):
        layers, activation, loss, batch = WORKLOADS[workload]
        self.x = scaled(INPUT_STREAM, (batch, layers[0]), 3).to(device)
        if loss == "softmax_cross_entropy":
            u = (uniform_value(TARGET_STREAM, batch) + numpy.float32(1)) / numpy.float32(2)
            self.y = torch.from_numpy((u * numpy.float32(layers[-1])).astype(numpy.int64)).to(device)
        else:
            self.y = scaled(TARGET_STREAM, (batch, layers[-1]), 3).to(device)
        gain = 6 if activation == "relu" else 3
        self.weights = [scaled(i, (layers[i + 1], layers[i]), numpy.float32(gain) / layers[i]).to(device)
                        for i in range(len(layers) - 1)]


class Clock:
    """Measures the seconds that a function takes: with events on a GPU, otherwise with the CPU's clock."""

    def __init__(self, device):
        self.cuda = device == "cuda"

    def time(self, body):
        if not self.cuda:
            begin = time.perf_counter()
            body()
            return time.perf_counter() - begin
        first, last = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        torch.cuda.synchronize()
        first.record()
        body()
        last.record()
        last.synchronize()
        return first.elapsed_time(last) / 1e3


class Torch:
    """PyTorch in eager mode: the network as it is usually written, with the fused SGD."""

    def __init__(self, workload, options, numbers):
        self.layers, self.activation, self.loss_name, self.batch = WORKLOADS[workload]
        self.device, self.precision = options.device, options.precision
        self.clock = Clock(self.device)
        self.classes = self.loss_name == "softmax_cross_entropy"
        self.numbers, self.x, self.y = numbers, numbers.x, numbers.y
        modules = []
        for i in range(len(self.layers) - 1):  # skip_init: PyTorch's initial values would take longer than the steps
            modules.append(torch.nn.utils.skip_init(torch.nn.Linear, self.layers[i], self.layers[i + 1], device=self.device))
            if i + 2 < len(self.layers):
                modules.append(torch.nn.ReLU() if self.activation == "relu" else torch.nn.Sigmoid())
        self.network = torch.nn.Sequential(*modules)
        self.optimizer = torch.optim.SGD(self.network.parameters(), lr=LEARNING_RATE, fused=True)
        self.loss = torch.zeros(())
        self.reset()
        self.prepare()
        self.reset()

    def reset(self):
        linear = [m for m in self.network if isinstance(m, torch.nn.Linear)]
        with torch.no_grad():
            for module, weight in zip(linear, self.numbers.weights):
                module.weight.copy_(weight)
                module.bias.zero_()

    def prepare(self):
        self.steps(3)

    def forward(self, x, y):
        with torch.autocast(self.device, torch.bfloat16, enabled=self.precision == "bfloat16"):
            output = self.network(x)
            if self.classes:
                return torch.nn.functional.cross_entropy(output, y)
            return torch.nn.functional.mse_loss(output, y)

    def step(self):
        self.optimizer.zero_grad(set_to_none=True)
        self.loss = self.forward(self.x, self.y)
        self.loss.backward()
        self.optimizer.step()

    def steps(self, count):
        for _ in range(count):
            self.step()

    def measure(self, count):
        return self.clock.time(lambda: self.steps(count))

    def checked_loss(self):
        """Trains CHECKED_STEPS steps from the initial parameters. Returns the loss of the last step, before its update."""
        self.reset()
        self.steps(CHECKED_STEPS)
        return self.loss.item()

    def close(self):
        pass


class TorchCompiled(Torch):
    """PyTorch with torch.compile, which uses its own CUDA graphs on a GPU."""

    def prepare(self):
        mode = "reduce-overhead" if self.device == "cuda" else "default"
        forward = self.forward
        self.forward = torch.compile(forward, mode=mode)
        eager_update = self.optimizer.step
        self.optimizer.step = torch.compile(lambda: eager_update())
        self.steps(5)


class TorchGraph(Torch):
    """The eager step, captured once as a CUDA graph and replayed."""

    def prepare(self):
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            self.steps(3)
        torch.cuda.current_stream().wait_stream(side)
        self.optimizer.zero_grad(set_to_none=True)
        self.graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self.graph):
            self.loss = self.forward(self.x, self.y)
            self.loss.backward()
            self.optimizer.step()
        self.step = self.graph.replay


class TorchWhole(TorchGraph):
    """The compiled step including the optimizer, captured as one CUDA graph. The graph consists of kernels that the compiler
    has fused and calls no Python. On the CPU the step is compiled but not captured."""

    def prepare(self):
        # torch.compile fuses the updates of all parameters into one kernel
        optimizer = torch.optim.SGD(self.network.parameters(), lr=LEARNING_RATE, foreach=True)
        forward, update = self.forward, optimizer.step
        self.optimizer = optimizer
        self.forward = torch.compile(forward)
        optimizer.step = torch.compile(lambda: update())
        if self.device == "cuda":
            super().prepare()
        else:
            self.steps(3)


class Products(Torch):
    """Only the products of a step: forward, weight gradients, and input gradients of all layers except the first."""

    def prepare(self):
        kind = torch.bfloat16 if self.precision == "bfloat16" else torch.float32

        def matrix(rows, columns):
            return torch.randn(rows, columns, device=self.device, dtype=kind)

        self.calls = []
        for i in range(len(self.layers) - 1):
            n, m = self.layers[i], self.layers[i + 1]
            x, w, delta = matrix(self.batch, n), matrix(m, n), matrix(self.batch, m)
            self.calls.append((x, w.t(), matrix(self.batch, m)))
            self.calls.append((delta.t(), x, matrix(m, n)))
            if i > 0:
                self.calls.append((delta, w, matrix(self.batch, n)))
        del self.optimizer
        self.network = torch.nn.Sequential()  # frees its memory for the others
        self.steps(3)
        if self.device == "cuda":
            side = torch.cuda.Stream()
            with torch.cuda.stream(side):
                self.steps(3)
            torch.cuda.synchronize()
            self.graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(self.graph):
                self.products()
            self.step = self.graph.replay

    def products(self):
        for a, b, c in self.calls:
            torch.mm(a, b, out=c)

    def step(self):
        self.products()

    def checked_loss(self):
        return None


class Benchmark:
    """The C++ core in a separate process, with one network for each of its two contenders."""

    def __init__(self, workload, options):
        layers, activation, loss, batch = WORKLOADS[workload]
        self.process = subprocess.Popen(
            [options.benchmark, "--device", options.device, "--precision", str(PRECISIONS.index(options.precision)),
             "--layers", ",".join(map(str, layers)), "--activation", activation, "--loss", loss,
             "--batch", str(batch), "--learning-rate", str(LEARNING_RATE), "--threads", str(options.threads),
             "--library", options.library, "--folders", options.folders, "--tuning", options.tuning],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.users = 0
        self.read()

    def read(self):
        """Returns the answer of the process. Kills the process if it does not answer in time."""
        timer = threading.Timer(ANSWER_SECONDS, self.process.kill)
        timer.start()
        line = self.process.stdout.readline()
        timer.cancel()
        if not line:
            raise RuntimeError(f"the benchmark ended with {self.process.wait()}")
        return json.loads(line)

    def request(self, command, argument):
        self.process.stdin.write(f"{command} {argument}\n")
        self.process.stdin.flush()
        return self.read()

    def close(self):
        self.users -= 1
        if self.users == 0:
            self.process.kill()
            self.process.wait()


class Chainrule:
    """Chainrule. The command "step" reads the batch from the CPU's memory, "fit" from a data set."""

    def __init__(self, benchmark, command):
        self.benchmark, self.command = benchmark, command
        benchmark.users += 1
        self.measure(3)

    def measure(self, count):
        return self.benchmark.request(self.command, count)["seconds"]

    def checked_loss(self):
        self.benchmark.request("reset", self.command)
        return self.benchmark.request(self.command, CHECKED_STEPS)["loss"]

    def close(self):
        self.benchmark.close()


def first_line(problem):
    lines = str(problem).splitlines()
    return f"{type(problem).__name__}: {lines[0] if lines else ''}"


class Field:
    """The contenders of a workload. One that fails is removed and its reason is kept; the others continue."""

    def __init__(self, workload, options):
        self.contenders, self.failed, self.options = {}, {}, options
        once = {}

        def shared(kind, *arguments):
            if kind not in once:
                once[kind] = kind(workload, *arguments)
            return once[kind]

        def pytorch(kind):
            return lambda: kind(workload, options, shared(Numbers, options.device))

        factories = {
            "chainrule-fit": lambda: Chainrule(shared(Benchmark, options), "fit"),
            "chainrule-step": lambda: Chainrule(shared(Benchmark, options), "step"),
            "torch-eager": pytorch(Torch),
            "torch-graph": pytorch(TorchGraph),
            "torch-compile": pytorch(TorchCompiled),
            "torch-whole": pytorch(TorchWhole),
            "floor": pytorch(Products),
        }
        if options.device == "cpu":
            del factories["torch-graph"]
        for name, create in factories.items():
            if name not in options.without:
                self.attempt(name, lambda: self.contenders.setdefault(name, create()))

    def attempt(self, name, action):
        """Returns the result of the action, or None if it failed. A contender of PyTorch that takes too long is skipped in later
        workloads."""
        stopped = []

        def stop(*_):
            stopped.append(True)  # remembered here because a compiler may wrap the exception
            raise TimeoutError(f"more than {CONTENDER_SECONDS} s")

        signal.signal(signal.SIGALRM, stop)
        signal.setitimer(signal.ITIMER_REAL, CONTENDER_SECONDS)
        try:
            return action()
        except Exception as problem:
            self.failed[name] = first_line(problem)
            if stopped and name.startswith("torch"):
                self.options.without.append(name)
            contender = self.contenders.pop(name, None)
            if contender is not None:
                contender.close()
            return None
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)

    def each(self, action):
        for name, contender in list(self.contenders.items()):
            self.attempt(name, lambda: action(name, contender))


def run(workload, options):
    torch._dynamo.reset()  # torch.compile stops compiling a function after a number of networks
    field = Field(workload, options)
    losses, counts, times = {}, {}, {}

    def prepare(name, contender):
        losses[name] = contender.checked_loss()
        one = contender.measure(1)  # warms up and finds the number of steps per round
        count = max(1, min(100000, int(options.seconds / 3 / max(one, 1e-7))))
        again = contender.measure(count) / count
        counts[name] = max(1, min(1000000, int(options.seconds / max(again, 1e-8))))
        times[name] = []

    field.each(prepare)
    for _ in range(options.rounds):
        field.each(lambda name, contender: times[name].append(contender.measure(counts[name]) / counts[name]))
    for contender in field.contenders.values():
        contender.close()
    expected = losses.get("torch-eager")
    results = {}
    for name in field.contenders:
        rounds, loss = times[name], losses[name]
        agrees = loss is None or expected is None or (
            abs(loss - expected) <= LOSS_TOLERANCE[options.precision] * abs(expected))
        results[name] = {"median_ms": statistics.median(rounds) * 1e3, "rounds_ms": [t * 1e3 for t in rounds],
                         "steps_a_round": counts[name], "loss": loss, "loss_agrees": agrees}
    for name, why in field.failed.items():
        results[name] = {"failed": why}
    del field
    gc.collect()  # networks and graphs contain reference cycles
    if options.device == "cuda":
        torch.cuda.empty_cache()
    return results


COLUMNS = ["chainrule-fit", "chainrule-step", "torch-eager", "torch-graph", "torch-compile", "torch-whole", "floor"]


def row(workload, results):
    def cell(name):
        result = results.get(name)
        if result is None:
            return ""
        if "failed" in result:
            return "failed"
        return f"{result['median_ms']:.4g}" + ("" if result["loss_agrees"] else " (other loss)")

    def ratio(over, under):
        return f"{over / under:.2f}" if over and under else ""

    def median(name):
        return results.get(name, {}).get("median_ms")

    peers = [median(name) for name in results if name.startswith("torch") and median(name)]
    ours = median("chainrule-fit")
    cells = [workload] + [cell(name) for name in COLUMNS]
    cells += [ratio(min(peers) if peers else None, ours), ratio(ours, median("floor"))]
    return "| " + " | ".join(cells) + " |"


def machine(options):
    about = {"device": options.device, "precision": options.precision, "threads": options.threads,
             "tuned": bool(options.tuning), "torch": torch.__version__, "processor": platform.processor() or platform.machine()}
    if options.device == "cuda":
        properties = torch.cuda.get_device_properties(0)
        about.update(gpu=properties.name, memory_MiB=properties.total_memory >> 20,
                     capability=f"{properties.major}.{properties.minor}", cuda=torch.version.cuda)
    return about


def measure(precision, workloads, options):
    """Measures workloads and writes a table and its numbers to files named after the precision. Returns a list of texts about
    failures of Chainrule and about workloads that were not run."""
    options.precision = precision
    torch.backends.cuda.matmul.allow_tf32 = precision == "tf32"
    lines = [f"| {precision}, ms | {' | '.join(COLUMNS)} | fastest torch / fit | fit / floor |",
             "| --- " + "| ---: " * (len(COLUMNS) + 2) + "|"]
    print("\n" + "\n".join(lines), flush=True)
    results = {"machine": machine(options), "workloads": {}}
    wrong, longest = [], 0
    for workload in workloads:
        begin = time.time()
        if options.deadline and begin + longest > options.deadline:
            print(f"  {workload} NOT RUN: no time left", flush=True)
            wrong.append(f"{precision} {workload} was not run")
            continue
        found = results["workloads"][workload] = run(workload, options)
        duration = time.time() - begin
        longest = max(longest, duration)
        lines.append(row(workload, found))
        print(f"{lines[-1]} {duration:.1f} s", flush=True)
        for name, result in found.items():
            if "failed" in result:
                print(f"  {name} FAILED: {result['failed']}", flush=True)
            if name.startswith("chainrule") and not result.get("loss_agrees"):
                wrong.append(f"{precision} {workload} {name} failed or had another loss")
        with open(f"{options.output}-{precision}.json", "w") as file:
            json.dump(results, file, indent=1)
        with open(f"{options.output}-{precision}.md", "w") as file:
            file.write("\n".join(lines) + "\n")
    return wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", choices=["cuda", "cpu"], default="cuda")
    parser.add_argument("--measure", action="append", metavar="PRECISION[:WORKLOAD,...]",
                        help="float32 (the default), tf32 or bfloat16, with these workloads or all; may be given several times")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=0.15, help="duration of the measurement of a contender per round")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--without", default="", help="contenders to skip, separated by commas")
    parser.add_argument("--deadline", type=float, default=0, help="in seconds since 1970")
    parser.add_argument("--benchmark", required=True, help="the binary of benchmark.cpp")
    parser.add_argument("--library", default="", help="libchainrule_cuda.so")
    parser.add_argument("--folders", default="", help="the folders of CUDA's libraries, separated by colons")
    parser.add_argument("--tuning", default="", help="a file of tuned products, which Chainrule reads and extends")
    parser.add_argument("--output", required=True, help="prefix of the result files, followed by -<precision>.json and .md")
    options = parser.parse_args()
    options.without = [name for name in options.without.split(",") if name]
    measurements = []
    for text in options.measure or ["float32"]:
        precision, _, names = text.partition(":")
        workloads = names.split(",") if names else list(WORKLOADS)
        unknown = [name for name in workloads if name not in WORKLOADS]
        if precision not in PRECISIONS or unknown:
            sys.exit(f"compare.py: --measure: expected a precision of {PRECISIONS} and workloads of {list(WORKLOADS)}, "
                     f"got '{text}'")
        measurements.append((precision, workloads))
    if options.device == "cpu" and any(precision != "float32" for precision, _ in measurements):
        sys.exit("compare.py: the CPU computes only in float32")
    if options.device == "cpu" and options.tuning:
        sys.exit("compare.py: --tuning selects algorithms of a GPU's products, but --device is cpu")
    if options.device == "cuda" and not torch.cuda.is_available():
        sys.exit("compare.py: PyTorch finds no CUDA device")
    torch.manual_seed(1)
    torch.set_num_threads(options.threads)
    wrong = [text for precision, workloads in measurements for text in measure(precision, workloads, options)]
    if wrong:
        sys.exit("compare.py: " + "; ".join(wrong))


if __name__ == "__main__":
    main()
