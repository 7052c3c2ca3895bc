"""The filter of system calls, run by a small interpreter of its own kind of program."""

from __future__ import annotations

import errno
import os
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openclaw.tools.sandbox.seccomp import ARCHITECTURES, DENIED, NAMESPACE_FLAGS, TIOCLINUX, TIOCSTI, memfd, program

ALLOW = 0x7FFF0000
KILL = 0x80000000
EPERM = 0x00050000 | errno.EPERM
ENOSYS = 0x00050000 | errno.ENOSYS
MACHINES = sorted(ARCHITECTURES)


def run(code: bytes, number: int, audit: int, args: tuple[int, ...] = ()) -> int:
    """Interpret a classic BPF program over one system call, as the kernel does."""
    data = struct.pack("<IIQ6Q", number, audit, 0, *args, *(0 for _ in range(6 - len(args))))
    instructions = [struct.unpack_from("<HBBI", code, at) for at in range(0, len(code), 8)]
    position = accumulator = 0
    for _ in range(len(instructions)):
        operation, jump_true, jump_false, value = instructions[position]
        position += 1
        if operation == 0x06:
            return int(value)
        if operation == 0x20:
            (accumulator,) = struct.unpack_from("<I", data, value)
            continue
        truth = {
            0x15: accumulator == value,
            0x35: accumulator >= value,
            0x45: bool(accumulator & value),
        }[operation]
        position += jump_true if truth else jump_false
    raise AssertionError("the program does not end")


def verdict(machine: str, name: str, *args: int) -> int:
    arch = ARCHITECTURES[machine]
    return run(program(machine), arch.calls[name], arch.audit, args)


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("name", DENIED)
def test_calls_that_reach_for_the_kernel_are_refused(machine: str, name: str) -> None:
    assert verdict(machine, name) == EPERM


def test_the_list_of_the_spec_is_covered() -> None:
    wanted = (
        "ptrace mount umount2 pivot_root keyctl add_key request_key bpf perf_event_open unshare setns userfaultfd "
        "process_vm_readv process_vm_writev open_by_handle_at io_uring_setup fsopen fsmount move_mount open_tree"
    )
    assert set(wanted.split()) <= set(DENIED)


@pytest.mark.parametrize("machine", MACHINES)
def test_clone3_is_missing_so_that_libraries_fall_back_to_clone(machine: str) -> None:
    assert verdict(machine, "clone3") == ENOSYS


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        (0x10000000, EPERM),
        (0x10000000 | 17, EPERM),
        (0x00020000, EPERM),
        (0x40000000, EPERM),
        (17, ALLOW),
        (0x3D0F00, ALLOW),
    ],
)
def test_clone_makes_no_namespace(machine: str, flags: int, expected: int) -> None:
    assert verdict(machine, "clone", flags) == expected


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize(
    ("request_code", "expected"),
    [(TIOCSTI, EPERM), (TIOCLINUX, EPERM), (TIOCSTI | 1 << 32, EPERM), (0x5413, ALLOW), (0x5401, ALLOW)],
)
def test_no_input_is_faked_on_a_terminal(machine: str, request_code: int, expected: int) -> None:
    assert verdict(machine, "ioctl", 0, request_code) == expected


@pytest.mark.parametrize("machine", MACHINES)
def test_another_instruction_set_ends_the_process(machine: str) -> None:
    other = 0x40000003
    assert run(program(machine), 1, other) == KILL


def test_the_second_calling_convention_of_x86_is_missing() -> None:
    arch = ARCHITECTURES["x86_64"]
    assert run(program("x86_64"), 0x40000000 | 101, arch.audit) == ENOSYS


@settings(max_examples=200)
@given(
    st.sampled_from(MACHINES),
    st.integers(0, 500),
    st.tuples(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1)),
)
def test_every_other_call_is_allowed(machine: str, number: int, args: tuple[int, int]) -> None:
    arch = ARCHITECTURES[machine]
    names = {value: name for name, value in arch.calls.items()}
    found = run(program(machine), number, arch.audit, args)
    name = names.get(number)
    if name is None:
        assert found == ALLOW
    elif name == "clone":
        assert (found == EPERM) == bool(args[0] & NAMESPACE_FLAGS)
    elif name == "ioctl":
        assert (found == EPERM) == (args[1] & 0xFFFFFFFF in {TIOCSTI, TIOCLINUX})
    else:
        assert found != ALLOW


@pytest.mark.parametrize("machine", MACHINES)
def test_the_program_fits_the_kernel(machine: str) -> None:
    code = program(machine)
    assert len(code) % 8 == 0
    assert len(code) // 8 <= 4096


def test_the_descriptor_stands_at_the_beginning() -> None:
    fd = memfd(b"abc", "x")
    try:
        assert os.read(fd, 10) == b"abc"
        assert not os.get_inheritable(fd)
    finally:
        os.close(fd)
