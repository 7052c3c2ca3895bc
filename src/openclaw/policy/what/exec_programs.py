"""What a program is, by its names: a dispatcher that starts another, a multi-call binary, or none of these.

An entry for a dispatcher never covers what it starts (exec.md 2.4 step 7, advisories H8, H9).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final

from openclaw.policy.what.exec_model import Word
from openclaw.policy.what.paths import parts_of

MAX_DEPTH: Final = 3
"""How many dispatchers may stand one inside the other."""

MULTI_CALL: Final = frozenset({"busybox", "toybox"})
NEVER_UNWRAPPED: Final = frozenset(
    {
        *(
            "xargs",
            "sudo",
            "doas",
            "su",
            "runuser",
            "pkexec",
            "chroot",
            "busybox",
            "toybox",
            "watch",
            "parallel",
            "script",
        ),
        *(
            "flock",
            "unshare",
            "nsenter",
            "systemd-run",
            "ssh",
            "ionice",
            "chrt",
            "taskset",
            "setarch",
            "strace",
            "ltrace",
        ),
        *("gdb", "expect"),
        # of the same kind, and named by nobody yet
        *("bwrap", "capsh", "catchsegv", "chpst", "chronic", "command-not-found", "cpulimit", "dbus-run-session"),
        *(
            "dumb-init",
            "eatmydata",
            "entr",
            "fakechroot",
            "fakeroot",
            "faketime",
            "firejail",
            "gosu",
            "i386",
            "linux32",
        ),
        *("linux64", "machinectl", "newgrp", "numactl", "perf", "prlimit", "proot", "proxychains", "proxychains4"),
        *("rlwrap", "rsh", "runcon", "setpriv", "sg", "start-stop-daemon", "su-exec", "systemd-inhibit"),
        *("systemd-nspawn", "tini", "torsocks", "unbuffer", "valgrind", "x86_64", "xvfb-run"),
    }
)
_LOADER: Final = re.compile(r"ld(-[\w.+-]+)?\.so(\.\d+)*|ld-(linux|musl)[\w.+-]*")
_FIND_ACTIONS: Final = ("-exec", "-execdir", "-ok", "-okdir", "-delete", "-fprint", "-fprint0", "-fprintf", "-fls")
_NUMBER: Final = re.compile(r"-?\d+")
_DURATION: Final = re.compile(r"\d+(\.\d+)?[smhd]?")
_SIGNAL: Final = re.compile(r"[A-Za-z0-9+-]+")
_BUFFER_MODE: Final = re.compile(r"-[ioe][L0]")
_VARIABLE: Final = re.compile(r"\$(\w*)")
_FIXED_VARIABLES: Final = frozenset({"HOME", "PWD"})
"""Variables whose value a call cannot choose, and which hold a path."""
_GLOB_PIECES: Final = re.compile(r"\[[^\]]*\]?|[*?]+")

APPLETS: Final = frozenset(
    """acpid adjtimex ar arch arp arping ash awk base32 base64 basename bc beep blkid blockdev brctl bunzip2 bzcat bzip2
    cal cat chat chattr chgrp chmod chown chpasswd chroot chrt chvt cksum clear cmp comm cp cpio crond crontab cryptpw
    cttyhack cut date dc dd deallocvt depmod devmem df diff dirname dmesg dnsdomainname dos2unix dpkg du dumpkmap
    echo ed egrep eject env expand expr factor fallocate false fatattr fbset fdflush fdformat fdisk fgrep find findfs
    flock fold free freeramdisk fsck fsfreeze fstrim fsync ftpget ftpput fuser getopt getty grep groups gunzip gzip
    halt hd head hexdump hostid hostname httpd hwclock id ifconfig ifdown ifup inetd init insmod install ionice iostat
    ip ipaddr ipcalc ipcrm ipcs iplink ipneigh iproute iprule iptunnel join kill killall killall5 klogd last less link
    linux32 linux64 ln loadfont loadkmap logger login logname logread losetup ls lsattr lsmod lsof lspci lsusb lzcat
    lzma lzop md5sum mdev mesg microcom mkdir mkdosfs mke2fs mkfifo mknod mkpasswd mkswap mktemp modinfo modprobe more
    mount mountpoint mpstat mt mv nameif nbd-client nc netcat netstat nice nl nmeter nohup nologin nproc nsenter
    nslookup ntpd od openvt partprobe passwd paste patch pgrep pidof ping ping6 pipe_progress pivot_root pkill pmap
    poweroff printenv printf ps pstree pwd pwdx raidautorun rdate rdev readahead readlink realpath reboot renice reset
    resize rev rfkill rm rmdir rmmod route rpm rpm2cpio run-parts script scriptreplay sed sendmail seq setarch
    setconsole setfont setkeycodes setlogcons setpriv setserial setsid sh sha1sum sha256sum sha3sum sha512sum showkey
    shred shuf slattach sleep sort split ssl_client start-stop-daemon stat static-sh strings stty su sulogin sum
    swapoff swapon switch_root sync sysctl syslogd tac tail tar taskset tee telnet telnetd test tftp time timeout top
    touch tr traceroute traceroute6 true truncate ts tty ttysize tunctl udhcpc udhcpc6 udhcpd uevent umount uname
    unexpand uniq unix2dos unlink unlzma unlzop unshare unxz unzip uptime usleep uudecode uuencode vconfig vi vlock
    volname w wall watch watchdog wc wget which who whoami whois xargs xxd xz xzcat yes zcat zcip""".split()  # noqa: SIM905 - a list of 300 strings is not readable
)
"""Names by which a multi-call binary is one ordinary program."""


def names_of(path: str, realpath: str) -> frozenset[str]:
    """Return the names that say what a program is: that of its path and that of the file behind it."""
    invoked, real = basename(path), basename(realpath)
    if real in MULTI_CALL and invoked in APPLETS:
        return frozenset({invoked})
    return frozenset({invoked, real})


def basename(path: str) -> str:
    """Return the last name of a path, `.` and `..` resolved by text alone."""
    name = path.rpartition("/")[2]
    if name not in {"", ".", ".."}:
        return name
    parts = parts_of(path)
    return parts[-1] if parts else ""


def is_dispatcher(names: frozenset[str]) -> bool:
    """Tell whether a program starts other programs, in a form that can be unwrapped or not."""
    return bool(names & NEVER_UNWRAPPED) or bool(names & _UNWRAP.keys()) or any(map(_LOADER.fullmatch, names))


def starts_unjudged(names: frozenset[str], words: Sequence[Word]) -> bool:
    """Tell whether a program that is no plain dispatcher is used as one: `find` with an action.

    A word that a shell would expand counts as an action when it could become one.
    """
    return "find" in names and any(_may_be_find_action(word) for word in words[1:])


def inner_command(names: frozenset[str], words: Sequence[Word]) -> int | None:
    """Return the position of the command that a dispatcher starts, or None when its form is not one we unwrap."""
    if names & NEVER_UNWRAPPED:
        return None
    kinds = names & _UNWRAP.keys()
    if len(kinds) != 1:
        return None
    at = _UNWRAP[next(iter(kinds))](words)
    if at is None or at >= len(words):
        return None
    command = words[at]
    return None if command.text.startswith("-") or "=" in command.text else at


def _literal(words: Sequence[Word], at: int) -> str | None:
    return words[at].text if at < len(words) and not words[at].dynamic else None


def _plain(words: Sequence[Word]) -> int | None:
    return 1 if len(words) > 1 else None


def _env(words: Sequence[Word]) -> int | None:
    at = 1
    for option in ("-i", "--"):
        at += _literal(words, at) == option
    return at


def _nice(words: Sequence[Word]) -> int | None:
    if _literal(words, 1) != "-n":
        return 1
    return 3 if _NUMBER.fullmatch(_literal(words, 2) or "") else None


def _timeout(words: Sequence[Word]) -> int | None:
    at = 1
    while (option := _literal(words, at)) in {"-k", "-s"}:
        value = _DURATION if option == "-k" else _SIGNAL
        if not value.fullmatch(_literal(words, at + 1) or ""):
            return None
        at += 2
    return at + 1 if _DURATION.fullmatch(_literal(words, at) or "") else None


def _stdbuf(words: Sequence[Word]) -> int | None:
    at = 1
    while _BUFFER_MODE.fullmatch(_literal(words, at) or ""):
        at += 1
    return at if at > 1 else None


def _time(words: Sequence[Word]) -> int | None:
    return 2 if _literal(words, 1) == "-p" else 1


_UNWRAP: Final[dict[str, Callable[[Sequence[Word]], int | None]]] = {
    "env": _env,
    "nice": _nice,
    "nohup": _plain,
    "timeout": _timeout,
    "stdbuf": _stdbuf,
    "setsid": _plain,
    "time": _time,
}


def _may_be_find_action(word: Word) -> bool:
    if not word.dynamic:
        return word.text in _FIND_ACTIONS
    if "{" in word.source or set(_VARIABLE.findall(word.source)) - _FIXED_VARIABLES:
        return True
    pieces = [piece for piece in _GLOB_PIECES.split(_VARIABLE.sub("/", word.text)) if piece]
    return any(_in_order(pieces, action) for action in _FIND_ACTIONS)


def _in_order(pieces: Sequence[str], text: str) -> bool:
    at = 0
    for piece in pieces:
        found = text.find(piece, at)
        if found < 0:
            return False
        at = found + len(piece)
    return True
