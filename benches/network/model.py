#!/usr/bin/env python3
"""The model of docs/SCALING.md: how long a step of `best` takes on several machines.

    python3 benches/network/model.py [--shard MS]

Times are in milliseconds, rates in Gbit/s. A sum of gradients is followed part by part along the ranks and back; between two
batch normalisations of the backward pass it stands still, since the cores compute.
"""

import argparse
from math import ceil

VALUES, PART = 298_410, 8_192  # parameters of `best`, values of a message
BYTES = [4 * min(PART, VALUES - at) for at in range(0, VALUES, PART)]
SHARDS, CORES = 15, 2  # of a batch of 100 images, of a machine
ADDITIONS = 0.75  # of all shards' gradients, on one rank
OTHER = 1.0  # the optimizer's step and the like
PAYLOAD = 0.956  # of what a link carries: 1,448 of 1,514 bytes
NORMS = 6
RECORD, RECORDS = 0.005, 220_000  # a message on its own, and bytes of a step's records of all shards
# What part of the backward pass is over at each normalisation, and the parameters whose gradients are there then.
BACKWARD = [(0.0, 11_786), (0.248, 159_242), (0.372, 233_226), (0.62, 270_218), (0.744, 288_778), (0.992, 298_058)]


def total(ranks, rate, latency, points, start):
    """When the last rank has the whole sum, which goes on at the `points` (time, parts that are there) without waiting, and is
    waited for from `start` on."""
    per_ms = PAYLOAD * rate * 1e9 / 8 / 1e3
    never, last, count = float("inf"), ranks - 1, len(BYTES)
    along = [[0.0] * count] + [[never] * count for _ in range(last)]
    back = [[never] * count for _ in range(ranks)]
    added, returned, link, clock = [0] * ranks, [0] * ranks, [0.0] * ranks, [0.0] * ranks

    def send(rank, to, part):
        link[rank] = max(clock[rank], link[rank]) + BYTES[part] / per_ms
        to[part] = link[rank] + latency

    def add(rank):
        part = added[rank]
        clock[rank] = max(clock[rank], along[rank][part]) + ADDITIONS / count / ranks
        send(rank, along[rank + 1] if rank < last else back[rank - 1], part)
        added[rank] += 1

    def hand_on(rank):
        part = returned[rank]
        clock[rank] = max(clock[rank], back[rank][part])
        if rank > 0:
            send(rank, back[rank - 1], part)
        returned[rank] += 1

    for time, there in points:
        for rank in range(ranks):
            clock[rank] = time
            while added[rank] < there and along[rank][added[rank]] <= clock[rank]:
                add(rank)
            while rank < last and returned[rank] < added[rank] and back[rank][returned[rank]] <= clock[rank]:
                hand_on(rank)
    clock = [start] * ranks
    while True:
        # What can be done first, by any rank.
        next_ones = [(max(clock[r], along[r][added[r]]), add, r) for r in range(ranks) if added[r] < count]
        next_ones += [(max(clock[r], back[r][returned[r]]), hand_on, r) for r in range(last) if returned[r] < added[r]]
        if not next_ones:
            return max(clock)
        _, do, rank = min(next_ones, key=lambda one: one[0])
        do(rank)


def computing(ranks, shard):
    return OTHER + shard * ceil(ceil(SHARDS / ranks) / CORES)


def step(ranks, rate, latency, shard, early):
    if ranks == 1:
        return computing(1, shard)
    passes = computing(ranks, shard) - OTHER
    per_ms = PAYLOAD * rate * 1e9 / 8 / 1e3
    records = latency + RECORD * (ranks - 1) + RECORDS * (ranks - 1) / ranks / per_ms / (2 * NORMS)
    backward = 2 / 3 * passes
    points = [(backward * part + records * (at + 1), there // PART) for at, (part, there) in enumerate(BACKWARD)]
    end = total(ranks, rate, latency, points if early else [], backward + NORMS * records)
    return OTHER + passes / 3 + NORMS * records + end


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shard", type=float, default=4.0, help="milliseconds of a core for a shard")
    shard = parser.parse_args().shard
    print("a sum alone, ranks: rate, latency: ms")
    for ranks in (2, 3, 4, 8):
        times = [(rate, latency, total(ranks, rate, latency, [], 0.0)) for rate, latency in ((1, 0.01), (1, 0.1), (1, 1), (10, 0.025))]
        print(ranks, *(f"{rate}, {latency}: {time:.1f}" for rate, latency, time in times), sep="  ")
    alone = step(1, 10, 0, shard, True)
    print(f"a step; one machine {alone:.1f} ms; without and with the sum going on early, how many times as fast, and the exchange's part")
    for ranks in (2, 3, 4, 8, 15):
        cells = []
        for rate, latency in ((10, 0.025), (10, 0.1), (1, 0.1)):
            late, early = (step(ranks, rate, latency, shard, early) for early in (False, True))
            part = [100 * (1 - computing(ranks, shard) / time) for time in (late, early)]
            cells.append(f"{rate}, {latency}: {late:.1f} -> {early:.1f} ms, {alone / early:.1f}, {part[0]:.0f} -> {part[1]:.0f} %")
        print(ranks, *cells, sep="   ")


if __name__ == "__main__":
    main()
