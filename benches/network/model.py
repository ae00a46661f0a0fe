#!/usr/bin/env python3
"""The model of docs/SCALING.md: how long a step of `best` takes on several machines.

    python3 benches/network/model.py [--shard MS] [--images N] [--points N]

Times are in milliseconds, rates in Gbit/s. A sum of gradients is followed part by part along the ranks and back; between two
batch normalisations of the backward pass it stands still, since the cores compute. With --points it would go on so many times
from one normalisation to the next, which nothing does yet.
"""

import argparse
from math import ceil

VALUES, PART = 298_410, 8_192  # parameters of `best`, values of a message
BYTES = [4 * min(PART, VALUES - at) for at in range(0, VALUES, PART)]
MOST_SHARDS, CORES = 16, 2  # of a batch, of a machine
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


def computing(ranks, shard, shards):
    return OTHER + shard * ceil(ceil(shards / ranks) / CORES)


def step(ranks, rate, latency, shard, shards, between):
    """Sums go on `between` times from a normalisation to the next; with 0 of them, after the backward pass alone."""
    if ranks == 1:
        return computing(1, shard, shards)
    passes = computing(ranks, shard, shards) - OTHER
    per_ms = PAYLOAD * rate * 1e9 / 8 / 1e3
    records = latency + RECORD * (ranks - 1) + RECORDS * (ranks - 1) / ranks / per_ms / (2 * NORMS)
    backward = 2 / 3 * passes
    ends = [part for part, _ in BACKWARD[1:]] + [1.0]
    points = []
    for at, ((part, there), end) in enumerate(zip(BACKWARD, ends)):
        times = [part + (end - part) * number / between for number in range(between)]
        points += [(backward * time + records * (at + 1), there // PART) for time in times]
    end = total(ranks, rate, latency, points, backward + NORMS * records)
    return OTHER + passes / 3 + NORMS * records + end


def slices(ranks, rate, latency, shards):
    """The same sum where each rank adds up a slice of it over all shards, and sends the slice to all."""
    per_ms = PAYLOAD * rate * 1e9 / 8 / 1e3
    sent = (ceil(shards / ranks) + 1) * sum(BYTES) * (ranks - 1) / ranks
    return sent / per_ms + 2 * latency + ADDITIONS / ranks


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shard", type=float, default=3.3, help="milliseconds of a core for a shard of 7 images [%(default)s]")
    parser.add_argument("--images", type=int, default=100, help="of a batch [%(default)s]")
    parser.add_argument("--points", type=int, default=1, help="between two normalisations [%(default)s]")
    options = parser.parse_args()
    per_shard = ceil(options.images / MOST_SHARDS)
    shards = ceil(options.images / per_shard)
    shard = options.shard * per_shard / 7
    print(f"a batch of {options.images} images: {shards} shards of {shard:.1f} ms")
    print("a sum alone, ranks: rate, latency: ms along the ranks, ms in slices")
    for ranks in (2, 3, 4, 8, 15):
        networks = ((1, 0.01), (1, 0.1), (1, 1), (10, 0.025))
        times = [(rate, latency, total(ranks, rate, latency, [], 0.0), slices(ranks, rate, latency, shards)) for rate, latency in networks]
        print(ranks, *(f"{rate}, {latency}: {time:.1f}, {other:.1f}" for rate, latency, time, other in times), sep="  ")
    alone = computing(1, shard, shards)
    print(f"a step; one machine {alone:.1f} ms; without and with the sum going on early, how many times as fast, and the exchange's part")
    for ranks in (2, 3, 4, 8, 15, 16):
        if ranks > shards:
            continue
        cells = []
        for rate, latency in ((10, 0.025), (10, 0.1), (1, 0.1)):
            late, early = (step(ranks, rate, latency, shard, shards, between) for between in (0, options.points))
            part = [100 * (1 - computing(ranks, shard, shards) / time) for time in (late, early)]
            cells.append(f"{rate}, {latency}: {late:.1f} -> {early:.1f} ms, {alone / early:.1f}, {part[0]:.0f} -> {part[1]:.0f} %")
        print(ranks, *cells, sep="   ")


if __name__ == "__main__":
    main()
