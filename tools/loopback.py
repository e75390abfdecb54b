"""Asserts that what a command has started can be reached from this machine only.

The servers that the commands start check no credentials, and one of them runs whatever code it is given. Each of
them is asked to listen on the loopback; this module looks whether it does. `python3 -m tools.loopback PID [PORT...]` ends with
exit status 1 where a process or one of its descendants listens on another address, where such an address answers on one
of their ports, or where nothing listens on a port that is named.
"""

import argparse
import glob
import ipaddress
import os
import re
import socket
import sys
from contextlib import suppress
from pathlib import Path

PROC = Path("/proc")
# The state TCP_LISTEN of the kernel's include/net/tcp_states.h.
LISTEN = "0A"


class Exposed(Exception):
    """What could be reached from another machine, or what could not be looked at."""


def check(pid: int, what: str, *ports: int) -> str:
    """Raises Exposed unless all that the process listens on is on the loopback; returns a sentence that says what was seen."""
    ours, others = sockets(pid) if readable() else (set(), set())
    silent = set(ports) - {port for _, port in ours} if readable() else set()
    if silent:
        raise Exposed(f"{what} does not listen on {listed(silent)}, so there is nothing to look at")
    open_to_all = {(address, port) for address, port in ours if not is_loopback(address)}
    if open_to_all:
        raise Exposed(f"{what} listens on {listed(render(*one) for one in open_to_all)}, which other machines can reach")
    ports = sorted(set(ports) | {port for _, port in ours})
    machine = addresses()
    for address in machine:
        # Another program may have this very port on this very address: that is not what was started here.
        answering = [port for port in ports if (address, port) not in others and answers(address, port)]
        if answering:
            raise Exposed(f"{what} answers on {listed(render(address, port) for port in answering)}, which is no address of the loopback")
    if readable():
        seen = f"{what} listens on {listed(render(*one) for one in ours) or 'nothing'}"
    else:
        seen = f"what {what} listens on cannot be looked up on this system"
    if machine:
        return f"{seen}; of this machine's other addresses, {listed(machine)}, none answers"
    return f"{seen}; this machine has no other address than the loopback's on which an answer could be looked for"


def listed(parts) -> str:
    return ", ".join(sorted(map(str, parts)))


def render(address: str, port: int) -> str:
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def is_loopback(address: str) -> bool:
    parsed = ipaddress.ip_address(address.partition("%")[0])
    mapped = getattr(parsed, "ipv4_mapped", None)
    return (mapped or parsed).is_loopback


# --- What a process listens on ---------------------------------------------------


def readable() -> bool:
    """Whether this system tells which process has which socket: Linux does, in /proc."""
    return (PROC / "self" / "net" / "tcp").exists()


def sockets(pid: int) -> tuple:
    """The addresses and ports that the process and its descendants listen on, and those that others listen on."""
    ours, others = set(), set()
    inodes = {inode for process in family(pid) for inode in inodes_of(process)}
    for file in ("tcp", "tcp6"):
        table = PROC / str(pid) / "net" / file
        for address, port, inode in parse_table(table.read_text() if table.exists() else ""):
            (ours if inode in inodes else others).add((address, port))
    return ours, others


def family(pid: int) -> set:
    """The process and its descendants."""
    parents, ended = {}, set()
    for stat in glob.glob(f"{PROC}/[0-9]*/stat"):
        try:
            # The name, in parentheses, may itself have spaces and parentheses (proc_pid_stat(5)).
            state, parent, *_ = Path(stat).read_text().rpartition(")")[2].split()
        except OSError:
            # It has ended in the meantime.
            continue
        process = int(Path(stat).parent.name)
        parents[process] = int(parent)
        if state in "ZX":
            ended.add(process)
    if pid not in parents or pid in ended:
        raise Exposed(f"there is no process {pid} to look at")
    found, grown = {pid}, True
    while grown:
        children = {child for child, parent in parents.items() if parent in found} - found
        found, grown = found | children, bool(children)
    # One that has ended has no sockets, and only root may look.
    return found - ended


def inodes_of(pid: int) -> set:
    """The sockets that a process has open, by their numbers."""
    found = set()
    try:
        names = os.listdir(PROC / str(pid) / "fd")
    except (FileNotFoundError, ProcessLookupError):
        # It has ended in the meantime.
        return found
    except PermissionError:
        raise Exposed(f"the sockets of process {pid} cannot be read by this user") from None
    for name in names:
        try:
            target = os.readlink(PROC / str(pid) / "fd" / name)
        except (FileNotFoundError, ProcessLookupError):
            continue
        if match := re.fullmatch(r"socket:\[(\d+)\]", target):
            found.add(match[1])
    return found


def parse_table(text: str, order: str = sys.byteorder) -> list:
    """The listening sockets of /proc/net/tcp or tcp6: address, port, number (proc_pid_net(5))."""
    found = []
    for line in text.splitlines()[1:]:
        fields = line.split()
        if len(fields) > 9 and fields[3] == LISTEN:
            address, port = fields[1].split(":")
            found.append((parse_address(address, order), int(port, 16), fields[9]))
    return found


def parse_address(text: str, order: str) -> str:
    """An address as the kernel prints it: words of 32 bits, each in the machine's own byte order."""
    words = [int(text[at : at + 8], 16).to_bytes(4, order) for at in range(0, len(text), 8)]
    return str(ipaddress.ip_address(b"".join(words)))


# --- What this machine can be reached under ----------------------------------------


def addresses() -> list:
    """This machine's addresses that are not the loopback's."""
    found = set()
    trie, interfaces = PROC / "net" / "fib_trie", PROC / "net" / "if_inet6"
    if trie.exists() or interfaces.exists():
        found |= parse_trie(trie.read_text() if trie.exists() else "")
        found |= parse_interfaces(interfaces.read_text() if interfaces.exists() else "")
    else:
        found |= asked()
    return sorted(address for address in found if not is_loopback(address))


def parse_trie(text: str) -> set:
    """The addresses of /proc/net/fib_trie that are this machine's own."""
    found, address = set(), None
    for line in text.splitlines():
        if match := re.search(r"\|-- (\S+)$", line):
            address = match[1]
        elif "/32 host LOCAL" in line:
            found.add(address)
    return found


def parse_interfaces(text: str) -> set:
    """The addresses of /proc/net/if_inet6; one that is valid on a link only, with the name of its interface."""
    found = set()
    for line in text.splitlines():
        digits, _, _, _, _, name = line.split()
        address = ipaddress.ip_address(bytes.fromhex(digits))
        found.add(f"{address}%{name}" if address.is_link_local else str(address))
    return found


def asked() -> set:
    """Where there is no /proc: the addresses of the host's name, and those from which a packet would leave (none is sent)."""
    found = set()
    # A name that cannot be resolved tells nothing.
    with suppress(OSError):
        found |= {entry[4][0] for entry in socket.getaddrinfo(socket.gethostname(), None)}
    # Addresses that documentation has for itself (RFC 5737, RFC 3849).
    for family_, far in ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1")):
        try:
            with socket.socket(family_, socket.SOCK_DGRAM) as probe:
                probe.connect((far, 9))
                found.add(probe.getsockname()[0])
        except OSError:
            # There is no such route.
            continue
    return found


def answers(address: str, port: int) -> bool:
    """Whether a connection to an address of this machine is accepted."""
    try:
        (family_, kind, _, _, target), *_ = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
        with socket.socket(family_, kind) as probe:
            probe.settimeout(2)
            return probe.connect_ex(target) == 0
    except OSError:
        return False


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pid", type=int, help="the process to look at, with its descendants")
    parser.add_argument("port", type=int, nargs="*", help="a port that it has to listen on")
    arguments = parser.parse_args()
    try:
        print(check(arguments.pid, f"process {arguments.pid}", *arguments.port))
    except Exposed as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
