"""Chainrule and PyTorch beside each other: steps of training with SGD on the same networks, parameters and batches.

All contenders of a workload are alive at once, and rounds go through them in turn, so that a device that grows warm or slow
hits all alike. A figure is the median of the rounds' time a step. PyTorch is timed by events on the device, from the first
step's begin to the last one's end. Chainrule is timed by the processor's clock, since each of its steps ends when the loss
has arrived: that is never shorter. `floor` is the products of a step alone, as one CUDA graph of cuBLAS calls.
"""
import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time

import numpy
import torch

WORKLOADS = {  # layers, activation, loss, batch: those of benchmarks/, then two for GPUs
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
LOSS_TOLERANCE = {"float32": 1e-3, "tf32": 1e-2, "bfloat16": 5e-2}


def uniform_value(stream, count):
    """Uniform in [-1, 1), as in benchmark.cpp."""
    x = numpy.arange(count, dtype=numpy.uint64)
    x += numpy.uint64(((stream << 40) + 0x9E3779B97F4A7C15) % 2**64)
    x ^= x >> numpy.uint64(30)
    x *= numpy.uint64(0xBF58476D1CE4E5B9)
    x ^= x >> numpy.uint64(27)
    x *= numpy.uint64(0x94D049BB133111EB)
    x ^= x >> numpy.uint64(31)
    x >>= numpy.uint64(40)
    return (x.astype(numpy.int64) - 2**23).astype(numpy.float32) / numpy.float32(2**23)


def scaled(stream, shape, scale):
    values = uniform_value(stream, int(numpy.prod(shape))) * numpy.float32(numpy.sqrt(numpy.float32(scale)))
    return torch.from_numpy(values.reshape(shape))


class Clock:
    """Seconds between start and stop: by events on a GPU, else by the processor's clock."""

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
    """Eager: the network as it is usually written, with the fused SGD."""

    def __init__(self, workload, options):
        self.layers, self.activation, self.loss_name, self.batch = WORKLOADS[workload]
        self.device, self.precision = options.device, options.precision
        self.clock = Clock(self.device)
        self.classes = self.loss_name == "softmax_cross_entropy"
        self.x = scaled(INPUT_STREAM, (self.batch, self.layers[0]), 3).to(self.device)
        if self.classes:
            u = (uniform_value(TARGET_STREAM, self.batch) + numpy.float32(1)) / numpy.float32(2)
            labels = (u * numpy.float32(self.layers[-1])).astype(numpy.int64)
            self.y = torch.from_numpy(labels).to(self.device)
        else:
            self.y = scaled(TARGET_STREAM, (self.batch, self.layers[-1]), 3).to(self.device)
        modules = []
        for i in range(len(self.layers) - 1):
            modules.append(torch.nn.Linear(self.layers[i], self.layers[i + 1]))
            if i + 2 < len(self.layers):
                modules.append(torch.nn.ReLU() if self.activation == "relu" else torch.nn.Sigmoid())
        self.network = torch.nn.Sequential(*modules).to(self.device)
        self.optimizer = torch.optim.SGD(self.network.parameters(), lr=LEARNING_RATE, fused=True)
        self.loss = torch.zeros(())
        self.reset()
        self.prepare()
        self.reset()

    def reset(self):
        gain = 6 if self.activation == "relu" else 3
        linear = [m for m in self.network if isinstance(m, torch.nn.Linear)]
        with torch.no_grad():
            for i, module in enumerate(linear):
                module.weight.copy_(scaled(i, module.weight.shape, numpy.float32(gain) / module.weight.shape[1]))
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
        """The loss of the last of so many steps from the first parameters, before its update."""
        self.reset()
        self.steps(CHECKED_STEPS)
        return self.loss.item()

    def close(self):
        pass


class TorchCompiled(Torch):
    """torch.compile, with its own CUDA graphs on a GPU."""

    def prepare(self):
        mode = "reduce-overhead" if self.device == "cuda" else "default"
        forward = self.forward
        self.forward = torch.compile(forward, mode=mode)
        eager_update = self.optimizer.step
        self.optimizer.step = torch.compile(lambda: eager_update())
        self.steps(5)


class TorchGraph(Torch):
    """The eager step, captured once and replayed."""

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


class Products(Torch):
    """The products of a step alone: forward, weight gradient, and input gradient but of the first layer."""

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
        self.network.to("cpu")
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


class Chainrule:
    """The C++ core, in a process of its own. step: the batch comes from the processor's memory; fit: from a data set."""

    def __init__(self, workload, options, command):
        layers, activation, loss, batch = WORKLOADS[workload]
        self.command = command
        self.process = subprocess.Popen(
            [options.benchmark, "--device", options.device, "--precision", str(PRECISIONS.index(options.precision)),
             "--layers", ",".join(map(str, layers)), "--activation", activation, "--loss", loss,
             "--batch", str(batch), "--learning-rate", str(LEARNING_RATE), "--threads", str(options.threads),
             "--library", options.library, "--folders", options.folders, "--tuning", options.tuning],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.read()
        self.ask("step", 3)
        self.ask("fit", 3)

    def read(self):
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"the benchmark ended with {self.process.wait()}")
        return json.loads(line)

    def ask(self, command, count=0):
        self.process.stdin.write(f"{command} {count}\n")
        self.process.stdin.flush()
        return self.read()

    def measure(self, count):
        return self.ask(self.command, count)["seconds"]

    def checked_loss(self):
        self.ask("reset")
        return self.ask(self.command, CHECKED_STEPS)["loss"]

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def contenders(workload, options):
    makers = {
        "chainrule-fit": lambda: Chainrule(workload, options, "fit"),
        "chainrule-step": lambda: Chainrule(workload, options, "step"),
        "torch-eager": lambda: Torch(workload, options),
        "torch-compile": lambda: TorchCompiled(workload, options),
        "floor": lambda: Products(workload, options),
    }
    if options.device == "cuda":
        makers["torch-graph"] = lambda: TorchGraph(workload, options)
    made, failed = {}, {}
    for name, make in makers.items():
        if name in options.without:
            continue
        try:
            made[name] = make()
        except Exception as problem:  # one that fails is named in the table, and the others go on
            failed[name] = f"{type(problem).__name__}: {str(problem).splitlines()[0] if str(problem) else ''}"
    return made, failed


def run(workload, options):
    made, failed = contenders(workload, options)
    losses = {name: c.checked_loss() for name, c in made.items()}
    counts, times = {}, {name: [] for name in made}
    for name, contender in made.items():  # the first measurement warms up, and says how many steps fill a round
        one = contender.measure(1)
        counts[name] = max(1, min(100000, int(options.seconds / max(one, 1e-7))))
        again = contender.measure(counts[name]) / counts[name]
        counts[name] = max(1, min(1000000, int(options.seconds / max(again, 1e-8))))
    for _ in range(options.rounds):
        for name, contender in made.items():
            times[name].append(contender.measure(counts[name]) / counts[name])
    for contender in made.values():
        contender.close()
    expected = losses.get("torch-eager")
    results = {}
    for name, rounds in times.items():
        loss = losses[name]
        agrees = loss is None or expected is None or (
            abs(loss - expected) <= LOSS_TOLERANCE[options.precision] * abs(expected))
        results[name] = {"median_ms": statistics.median(rounds) * 1e3, "rounds_ms": [t * 1e3 for t in rounds],
                         "steps_a_round": counts[name], "loss": loss, "loss_agrees": agrees}
    for name, why in failed.items():
        results[name] = {"failed": why}
    return results


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
    names = ["chainrule-fit", "chainrule-step", "torch-eager", "torch-graph", "torch-compile", "floor"]
    cells = [workload] + [cell(name) for name in names]
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


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", choices=["cuda", "cpu"], default="cuda")
    parser.add_argument("--precision", choices=PRECISIONS, default="float32")
    parser.add_argument("--workloads", default=",".join(WORKLOADS))
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=0.5, help="that a contender measures in a round")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--without", default="", help="contenders to leave out, joined by commas")
    parser.add_argument("--benchmark", required=True, help="what benchmark.cpp was compiled to")
    parser.add_argument("--library", default="", help="libchainrule_cuda.so")
    parser.add_argument("--folders", default="", help="where CUDA's libraries are, joined by colons")
    parser.add_argument("--tuning", default="", help="a file of tuned products, that Chainrule reads and adds to")
    parser.add_argument("--output", required=True, help="results go to this name with .json and .md")
    options = parser.parse_args()
    options.without = options.without.split(",")
    if options.device == "cpu" and options.precision != "float32":
        sys.exit("compare.py: the processor computes in float32 only")
    if options.device == "cpu" and options.tuning:
        sys.exit("compare.py: --tuning chooses algorithms of a GPU's products, and the processor has none to choose from")
    if options.device == "cuda" and not torch.cuda.is_available():
        sys.exit("compare.py: PyTorch finds no CUDA device")
    torch.manual_seed(1)
    torch.set_num_threads(options.threads)
    torch.backends.cuda.matmul.allow_tf32 = options.precision == "tf32"
    lines = ["| workload | chainrule fit, ms | chainrule step | torch eager | torch graph | torch compile | floor "
             "| fastest torch / fit | fit / floor |", "| --- " + "| ---: " * 8 + "|"]
    print("\n".join(lines), flush=True)
    results = {"machine": machine(options), "workloads": {}}
    for workload in options.workloads.split(","):
        found = results["workloads"][workload] = run(workload, options)
        lines.append(row(workload, found))
        print(lines[-1], flush=True)
        for name, result in found.items():
            if "failed" in result:
                print(f"  {name} failed: {result['failed']}", file=sys.stderr, flush=True)
        with open(options.output + ".json", "w") as file:
            json.dump(results, file, indent=1)
        with open(options.output + ".md", "w") as file:
            file.write("\n".join(lines) + "\n")
    ours = [(w, n) for w, found in results["workloads"].items() for n, r in found.items()
            if n.startswith("chainrule") and ("failed" in r or not r["loss_agrees"])]
    if ours:
        sys.exit(f"compare.py: Chainrule failed, or had another loss, in {ours}")


if __name__ == "__main__":
    main()
