"""The system-call filter of the bubblewrap sandbox, assembled here so that no native library is needed (exec.md 4.10).

A classic BPF program: everything is allowed but a short list of calls that reach for the kernel, for other processes or
for new namespaces. bubblewrap reads the bytes from a descriptor and installs them.
"""

from __future__ import annotations

import errno
import os
import struct
from typing import Final, NamedTuple

_LOAD: Final = 0x20  # BPF_LD | BPF_W | BPF_ABS
_EQUAL: Final = 0x15  # BPF_JMP | BPF_JEQ | BPF_K
_AT_LEAST: Final = 0x35  # BPF_JMP | BPF_JGE | BPF_K
_ANY_BIT: Final = 0x45  # BPF_JMP | BPF_JSET | BPF_K
_RETURN: Final = 0x06  # BPF_RET | BPF_K

_ALLOW: Final = 0x7FFF0000
_ERRNO: Final = 0x00050000
_KILL_PROCESS: Final = 0x80000000

_NUMBER: Final = 0  # offsets in struct seccomp_data; the low halves of the arguments, little endian
_ARCH: Final = 4
_FIRST_ARGUMENT: Final = 16
_SECOND_ARGUMENT: Final = 24

NAMESPACE_FLAGS: Final = 0x7E020000
"""CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID and NEWNET."""
TIOCSTI: Final = 0x5412
TIOCLINUX: Final = 0x541C
X32_BIT: Final = 0x40000000


class Architecture(NamedTuple):
    """What differs between machines: the audit constant, the numbers of the calls, and whether x32 exists."""

    audit: int
    calls: dict[str, int]
    x32: bool


_COMMON: Final = {
    "io_uring_setup": 425,
    "io_uring_enter": 426,
    "io_uring_register": 427,
    "open_tree": 428,
    "move_mount": 429,
    "fsopen": 430,
    "fsconfig": 431,
    "fsmount": 432,
    "fspick": 433,
    "clone3": 435,
    "mount_setattr": 442,
}

ARCHITECTURES: Final = {
    "x86_64": Architecture(
        audit=0xC000003E,
        x32=True,
        calls={
            **_COMMON,
            "ioctl": 16,
            "clone": 56,
            "ptrace": 101,
            "pivot_root": 155,
            "mount": 165,
            "umount2": 166,
            "add_key": 248,
            "request_key": 249,
            "keyctl": 250,
            "unshare": 272,
            "perf_event_open": 298,
            "open_by_handle_at": 304,
            "setns": 308,
            "process_vm_readv": 310,
            "process_vm_writev": 311,
            "bpf": 321,
            "userfaultfd": 323,
        },
    ),
    "aarch64": Architecture(
        audit=0xC00000B7,
        x32=False,
        calls={
            **_COMMON,
            "ioctl": 29,
            "umount2": 39,
            "mount": 40,
            "pivot_root": 41,
            "unshare": 97,
            "ptrace": 117,
            "add_key": 217,
            "request_key": 218,
            "keyctl": 219,
            "clone": 220,
            "perf_event_open": 241,
            "open_by_handle_at": 265,
            "setns": 268,
            "process_vm_readv": 270,
            "process_vm_writev": 271,
            "bpf": 280,
            "userfaultfd": 282,
        },
    ),
}
"""The machines that the filter is written for; on any other the sandbox is not available."""

_BY_ARGUMENT: Final = frozenset({"clone", "clone3", "ioctl"})

DENIED: Final = tuple(sorted(set(ARCHITECTURES["x86_64"].calls) - _BY_ARGUMENT))
"""The calls that always answer EPERM."""


def _instruction(code: int, value: int, jump_true: int = 0, jump_false: int = 0) -> bytes:
    return struct.pack("<HBBI", code, jump_true, jump_false, value)


def _load(offset: int) -> bytes:
    return _instruction(_LOAD, offset)


def _answer(action: int) -> bytes:
    return _instruction(_RETURN, action)


_REFUSE: Final = _answer(_ERRNO | errno.EPERM)
_MISSING: Final = _answer(_ERRNO | errno.ENOSYS)


def program(machine: str) -> bytes:
    """Return the filter for a machine name as `platform.machine()` gives it.

    `clone3` answers ENOSYS, because its flags lie in memory where a filter cannot look: C libraries then fall back to
    `clone`, whose flags are checked. Another instruction set than the machine's own ends the process.

    Raises:
        KeyError: the machine is not in `ARCHITECTURES`.
    """
    arch = ARCHITECTURES[machine]
    calls = arch.calls
    parts = [
        _load(_ARCH),
        _instruction(_EQUAL, arch.audit, 1, 0),
        _answer(_KILL_PROCESS),
        _load(_NUMBER),
    ]
    if arch.x32:
        parts += [_instruction(_AT_LEAST, X32_BIT, 0, 1), _MISSING]
    for name in DENIED:
        parts += [_instruction(_EQUAL, calls[name], 0, 1), _REFUSE]
    parts += [
        _instruction(_EQUAL, calls["clone3"], 0, 1),
        _MISSING,
        _instruction(_EQUAL, calls["clone"], 0, 4),
        _load(_FIRST_ARGUMENT),
        _instruction(_ANY_BIT, NAMESPACE_FLAGS, 0, 1),
        _REFUSE,
        _answer(_ALLOW),
        _instruction(_EQUAL, calls["ioctl"], 0, 4),
        _load(_SECOND_ARGUMENT),
        _instruction(_EQUAL, TIOCSTI, 1, 0),
        _instruction(_EQUAL, TIOCLINUX, 0, 1),
        _REFUSE,
        _answer(_ALLOW),
    ]
    return b"".join(parts)


def memfd(content: bytes, name: str) -> int:
    """Return a descriptor of an anonymous file that holds `content`, at its start; the caller closes it."""
    descriptor = os.memfd_create(name, os.MFD_CLOEXEC)
    try:
        view = memoryview(content)
        while view:
            view = view[os.write(descriptor, view) :]
        os.lseek(descriptor, 0, os.SEEK_SET)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor
