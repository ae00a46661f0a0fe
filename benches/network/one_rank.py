#!/usr/bin/env python3
"""One rank under mpirun beside a process without it, by turns: how much longer a step takes.

    cargo build -p trainer --features mpi
    benches/network/one_rank.py [--rounds N] [--threads N] [--mpirun COMMAND] [-- ARGUMENTS OF trainer train]

It trains six short epochs of `best`, or what the arguments say. Each round trains alone, under mpirun, under mpirun and alone, so that
a machine that grows slower or faster treats both alike. All runs must end with the same digest.
"""

import argparse
import json
import os
import shlex
import statistics
import subprocess
import sys
import tempfile
import time

BEST = ["best", "--set", "data.train_images=1000", "--epochs", "6"]
# Open MPI starts nothing for root, as who is in a container, without these.
ENVIRONMENT = {**os.environ, "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}


def train(before, options, folder):
    """The milliseconds of a step in each epoch, the seconds of the whole process, and the digest."""
    run = os.path.join(folder, "run")
    command = [*before, options.program, "train", *options.arguments, "--threads", str(options.threads), "--quiet", "--run", run]
    start = time.perf_counter()
    done = subprocess.run(command, env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
    seconds = time.perf_counter() - start
    if done.returncode != 0:
        sys.exit(f"{shlex.join(command)}: exit code {done.returncode}\n{done.stderr}")
    steps, before_it = [], 0
    with open(os.path.join(run, "metrics.jsonl"), encoding="utf-8") as lines:
        for epoch in map(json.loads, lines):
            steps.append(1000 * epoch["time"]["steps"] / (epoch["step"] - before_it))
            before_it = epoch["step"]
    with open(os.path.join(run, "result.json"), encoding="utf-8") as result:
        return steps, seconds, json.load(result)["digest"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default="target/debug/trainer", help="built with the feature mpi [%(default)s]")
    parser.add_argument("--mpirun", default="mpirun --bind-to none", help="starts one rank after `-n 1` [%(default)s]")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="of each process [the cores, %(default)s]")
    parser.add_argument("--rounds", type=int, default=4, help="of two trainings each way [%(default)s]")
    parser.add_argument("arguments", nargs="*", help="of `trainer train` [" + " ".join(BEST) + "]")
    options = parser.parse_args()
    options.arguments = options.arguments or BEST
    under = [*shlex.split(options.mpirun), "-n", "1"]
    ways = {"alone": [], "one rank": under}
    steps = {name: [] for name in ways}
    wholes = {name: [] for name in ways}
    digests = set()
    for number in range(options.rounds):
        for name in ("alone", "one rank", "one rank", "alone"):
            with tempfile.TemporaryDirectory() as folder:
                times, seconds, digest = train(ways[name], options, folder)
            steps[name] += times
            wholes[name].append(seconds)
            digests.add(digest)
        print(f"round {number + 1}:", *(f"{name} {min(steps[name]):.2f} ms" for name in ways), sep="  ", flush=True)
    if len(digests) != 1:
        sys.exit(f"the digests differ: {', '.join(sorted(digests))}")
    print(f"{len(steps['alone'])} epochs each, {options.threads} threads, load {os.getloadavg()[0]:.1f}, digest {digests.pop()[:16]}")
    for what, times, unit in (("a step", steps, "ms"), ("the whole process", wholes, "s")):
        for how, of in (("the shortest", min), ("the median", statistics.median)):
            alone, rank = of(times["alone"]), of(times["one rank"])
            print(f"{what}, {how}: alone {alone:.3f} {unit}, one rank {rank:.3f} {unit}, {100 * (rank / alone - 1):+.2f} %")


if __name__ == "__main__":
    main()
