"""What a sandbox is given: mounts, networks, profiles, users (audit.md 9.1, exec.md 4.4)."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from openclaw.security.audit.agent_settings import contexts, sandbox_mode
from openclaw.security.audit.context import AuditContext
from openclaw.security.audit.model import Check, Hit, Hits, Severity, Since, Topic, check
from openclaw.security.audit.values import at, entries, mapping, some, trim

_VOLUME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


def _docker_blocks(ctx: AuditContext) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield (config path, `docker` block) of the defaults and of every agent."""
    defaults = at(ctx.document, "agents", "defaults", "sandbox", "docker")
    yield "agents.defaults.sandbox.docker", mapping(defaults)
    for index, entry in enumerate(ctx.reading.agents):
        yield f"agents.list.{index}.sandbox.docker", mapping(at(entry, "sandbox", "docker"))


@check(
    "sandbox.docker_config_mode_off",
    Severity.WARN,
    topic=Topic.TOOLS,
    title="A sandbox is configured but off",
    when="docker settings stand below sandbox while the mode there is off (and, for the defaults, no agent turns it "
    "on).",
    attack="Tools run on the host although somebody took care to describe a container.",
    remedy='Set sandbox.mode to "all", or remove the docker settings.',
    since=Since.LATER,
)
def configured_but_off(ctx: AuditContext) -> Hits:
    """Settings of a sandbox that nothing runs in."""
    agents = [(path, entry) for path, _, entry in contexts(ctx) if entry is not None]
    off = {path for path, entry in agents if sandbox_mode(ctx, entry) == "off"}
    found = [f"{path}.sandbox.docker" for path, entry in agents if path in off and at(entry, "sandbox", "docker")]
    shared = at(ctx.document, "agents", "defaults", "sandbox", "docker")
    if shared and sandbox_mode(ctx) == "off" and len(off) == len(agents):
        found.insert(0, "agents.defaults.sandbox.docker")
    if found:
        yield Hit(f"mode is off: {some(found)}.", place=found[0])


@check(
    "sandbox.bind_mount_non_absolute",
    Severity.WARN,
    topic=Topic.TOOLS,
    title="A mount's source is no absolute path",
    when="The source of an entry of docker.binds is neither an absolute path nor the name of a volume; one finding "
    "each.",
    attack="What is mounted depends on the folder that the gateway was started in.",
    remedy="Write the whole path.",
    since=Since.LATER,
)
@check(
    "sandbox.dangerous_bind_mount",
    Severity.CRITICAL,
    topic=Topic.TOOLS,
    title="A sandbox is given the system or your credentials",
    when="The source of an entry of docker.binds is, lies in or covers /etc, /proc, /sys, /dev, /boot, /run, /var/run "
    "or root's home, a container engine's socket, or .aws, .cargo, .config, .docker, .gnupg, .netrc, .npm or .ssh of "
    "the home directory; one finding each. This system refuses to start such a sandbox.",
    attack="Through the mount the agent leaves the sandbox or reads keys.",
    remedy="Remove the mount; copy the few files that are needed into the workspace.",
    since=Since.LATER,
)
def binds(ctx: AuditContext) -> Hits:
    """Judge each mount by its text."""
    for path, block in _docker_blocks(ctx):
        for text in entries(block.get("binds")):
            source = text.split(":", 1)[0]
            place = f"{path}.binds"
            if not source.startswith("/"):
                if not _VOLUME.fullmatch(source):
                    yield Hit(f"{place}: {text}", id="sandbox.bind_mount_non_absolute", place=place)
                continue
            blocked = _blocked(posixpath.normpath(source), str(ctx.reading.environment.home))
            if blocked:
                yield Hit(f"{place}: {text} reaches {blocked}", id="sandbox.dangerous_bind_mount", place=place)


def _blocked(source: str, home: str) -> str:
    """Return the blocked place that a source is, lies in or covers; "" when there is none."""
    from openclaw.tools.sandbox.binds import HOME_PLACES, SYSTEM_PLACES

    if source.endswith(".sock"):
        return source
    places = [place for base in SYSTEM_PLACES for place in (base, f"/private{base}")]
    places += [posixpath.join(home, name) for name in HOME_PLACES]
    return next((place for place in places if _under(source, place) or _under(place, source)), "")


def _under(path: str, place: str) -> bool:
    return path == place or path.startswith(place.rstrip("/") + "/")


@check(
    "sandbox.dangerous_network_mode",
    Severity.CRITICAL,
    topic=Topic.TOOLS,
    title="A sandbox shares a network that is not its own",
    when="docker.network (or the network of the sandbox browser) is host or container:<name>.",
    attack="Tools in the sandbox reach every service of this machine, the gateway included.",
    remedy='Set the network to "none", or "bridge" when it needs the internet.',
    since=Since.LATER,
)
def network_mode(ctx: AuditContext) -> Hits:
    """Networks that undo the wall."""
    for path, block in _docker_blocks(ctx):
        yield from _network(f"{path}.network", block.get("network"))
    yield from _network(
        "agents.defaults.sandbox.browser.network",
        at(ctx.document, "agents", "defaults", "sandbox", "browser", "network"),
    )


def _network(path: str, value: Any) -> Hits:
    name = trim(value).lower()
    if name == "host" or name.startswith("container:"):
        yield Hit(f"{path} is {name}.", place=path)


@check(
    "sandbox.dangerous_seccomp_profile",
    Severity.CRITICAL,
    topic=Topic.TOOLS,
    title="A sandbox runs without a system-call filter",
    when="docker.seccompProfile is unconfined.",
    attack="Flaws of the kernel become ways out of the container.",
    remedy="Remove docker.seccompProfile; the engine's default applies.",
    since=Since.LATER,
)
@check(
    "sandbox.dangerous_apparmor_profile",
    Severity.CRITICAL,
    topic=Topic.TOOLS,
    title="A sandbox runs without AppArmor",
    when="docker.apparmorProfile is unconfined.",
    attack="Flaws of the kernel and of mounts become ways out of the container.",
    remedy="Remove docker.apparmorProfile; the engine's default applies.",
    since=Since.LATER,
)
def profiles(ctx: AuditContext) -> Hits:
    """Filters that are switched off."""
    for path, block in _docker_blocks(ctx):
        for kind in ("seccomp", "apparmor"):
            if trim(block.get(f"{kind}Profile")).lower() == "unconfined":
                place = f"{path}.{kind}Profile"
                yield Hit(f"{place} is unconfined.", id=f"sandbox.dangerous_{kind}_profile", place=place)


@check(
    "sandbox.docker_root_user",
    Severity.WARN,
    topic=Topic.TOOLS,
    title="A sandbox runs as root",
    when="docker.user names root or user id 0.",
    attack="Root in a container is one flaw away from root on the host.",
    remedy="Remove docker.user: the gateway's own user, or 10001, is taken.",
    since=Since.OURS,
)
def root_user(ctx: AuditContext) -> Hits:
    """An explicit root."""
    for path, block in _docker_blocks(ctx):
        if trim(block.get("user")).split(":", 1)[0] in {"root", "0"}:
            yield Hit(f"{path}.user is {trim(block.get('user'))}.", place=f"{path}.user")


LATER: Final[tuple[Check, ...]] = (configured_but_off, binds, network_mode, profiles)
OURS: Final[tuple[Check, ...]] = (root_user,)
