#!/usr/bin/env python3
"""Network namespaces as hosts, whose network has a rate and a latency. As root:

    benches/network/hosts.py --hosts 2 --rate 1 --latency 0.1 COMMAND

makes the namespaces h1, h2 with the addresses 10.9.0.1, 10.9.0.2 and host names of their own, runs COMMAND in h1 with the environment
variable AGENT (for Open MPI's plm_rsh_agent), and removes them. Every packet passes through this process, which keeps it as long as a link of RATE
Gbit/s and LATENCY milliseconds would. It takes the place of `tc netem`, which not every kernel has, and needs a core for itself.
"""

import argparse
import fcntl
import os
import struct
import subprocess
import sys
import tempfile
import time
from collections import deque

# From <linux/if_tun.h>: a device without packet information.
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
# Large, so that few packets pass through here.
MTU = 32_000
AGENT = """#!/bin/sh
host=h${1##*.}; shift; exec ip netns exec $host unshare --uts sh -c "hostname $host; $*"
"""


def run(*words):
    subprocess.run(words, check=True)


def device(host):
    """The end of the network in a host's namespace."""
    tun = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    name = f"e{host}"
    fcntl.ioctl(tun, TUNSETIFF, struct.pack("16sH", name.encode(), IFF_TUN | IFF_NO_PI))
    run("ip", "link", "set", name, "mtu", str(MTU), "txqueuelen", "10000", "netns", f"h{host}")
    inside = ["ip", "-n", f"h{host}"]
    run(*inside, "addr", "add", f"10.9.0.{host}/24", "dev", name)
    run(*inside, "link", "set", name, "up")
    run(*inside, "link", "set", "lo", "up")
    return tun


def forward(tuns, rate, latency, running):
    """Hands packets on, each when its link would: the links of a host are free again when a packet has left."""
    free = [0.0] * len(tuns)
    on_the_way = [deque() for _ in tuns]
    while running():
        for _ in range(1000):
            for source, tun in enumerate(tuns):
                try:
                    packet = os.read(tun, MTU + 100)
                except BlockingIOError:
                    packet = None
                # IPv4 to 10.9.0.HOST; there is nothing else to hand on.
                if packet and packet[0] >> 4 == 4 and 1 <= packet[19] <= len(tuns):
                    start = max(time.perf_counter(), free[source])
                    free[source] = start + len(packet) * 8 / rate
                    on_the_way[source].append((free[source] + latency, packet[19] - 1, packet))
            now = time.perf_counter()
            for packets in on_the_way:
                while packets and packets[0][0] <= now:
                    _, target, packet = packets.popleft()
                    os.write(tuns[target], packet)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hosts", type=int, default=2)
    parser.add_argument("--rate", type=float, default=1.0, help="Gbit/s of each host, in each direction")
    parser.add_argument("--latency", type=float, default=0.1, help="milliseconds of a packet's way")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    args = parser.parse_args()
    if not args.command or not 1 <= args.hosts <= 16 or args.rate <= 0 or args.latency < 0:
        parser.error("expected a command, 1 to 16 hosts, a rate above 0 and a latency of 0 or more")
    hosts = range(1, args.hosts + 1)
    made, tuns = [], []
    with tempfile.TemporaryDirectory() as folder:
        agent = os.path.join(folder, "agent")
        with open(agent, "w") as file:
            file.write(AGENT)
        os.chmod(agent, 0o755)
        try:
            for host in hosts:
                run("ip", "netns", "add", f"h{host}")
                made.append(host)
                tuns.append(device(host))
            inside = ["ip", "netns", "exec", "h1", "unshare", "--uts", "sh", "-c", 'hostname h1; exec "$@"', "sh", *args.command]
            child = subprocess.Popen(inside, env={**os.environ, "AGENT": agent})
            forward(tuns, args.rate * 1e9, args.latency / 1e3, lambda: child.poll() is None)
            return child.returncode
        finally:
            for host in made:
                run("ip", "netns", "del", f"h{host}")


if __name__ == "__main__":
    sys.exit(main())
