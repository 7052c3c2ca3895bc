from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openclaw.state.auth_profiles import (
    HOUR_MS,
    MINUTE_MS,
    CooldownRules,
    ProfileHint,
    ProfileStore,
    after_failure,
    after_success,
    billing_pause_ms,
    blocked_until,
    cooldown_ms,
    expired,
    ordered,
    provider_id,
    read_profiles,
    record_stats,
)
from openclaw.system.errors import InvalidInput

NOW = 1_800_000_000_000
RULES = CooldownRules()


def key(provider: str = "openai", text: str = "sk-secret-key-1") -> dict[str, Any]:
    return {"type": "api_key", "provider": provider, "key": text}


def store(profiles: dict[str, Any], **more: Any) -> ProfileStore:
    return ProfileStore({"version": 1, "profiles": profiles, **more})


def ids(profiles: ProfileStore, provider: str = "openai", **options: Any) -> list[str]:
    return [credential.profile_id for credential in ordered(profiles, provider, now_ms=NOW, **options)]


@pytest.mark.parametrize(("errors", "minutes"), [(0, 0), (1, 1), (2, 5), (3, 25), (4, 60), (5, 60), (100, 60)])
def test_the_cooldown_grows_to_an_hour(errors: int, minutes: int) -> None:
    assert cooldown_ms(errors) == minutes * MINUTE_MS


@pytest.mark.parametrize(("failures", "hours"), [(1, 5), (2, 10), (3, 20), (4, 24), (1000, 24)])
def test_a_billing_failure_disables_for_hours(failures: int, hours: float) -> None:
    assert billing_pause_ms(failures, "openai", RULES) == hours * HOUR_MS


def test_the_billing_pause_can_be_set_per_provider() -> None:
    rules = CooldownRules(billing_hours_by_provider={"openai": 1}, billing_max_hours=3)
    assert billing_pause_ms(1, "openai", rules) == HOUR_MS
    assert billing_pause_ms(9, "openai", rules) == 3 * HOUR_MS
    assert billing_pause_ms(1, "anthropic", rules) == 3 * HOUR_MS


def test_failures_add_up_and_a_success_clears_them() -> None:
    stats: dict[str, Any] = {}
    for _ in range(3):
        stats = after_failure(stats, "rate_limit", "openai", NOW, RULES)
    assert stats["errorCount"] == 3
    assert blocked_until(stats, NOW) == NOW + 25 * MINUTE_MS
    stats = after_success(stats, NOW)
    assert blocked_until(stats, NOW) is None
    assert stats["errorCount"] == 0
    assert stats["lastUsed"] == NOW


def test_a_day_without_failure_starts_anew() -> None:
    old = {"errorCount": 4, "lastFailureAt": NOW - 25 * HOUR_MS, "failureCounts": {"rate_limit": 4}, "lastUsed": 7}
    stats = after_failure(old, "rate_limit", "openai", NOW, RULES)
    assert stats["errorCount"] == 1
    assert stats["failureCounts"] == {"rate_limit": 1}
    assert stats["lastUsed"] == 7


def test_a_billing_failure_is_no_cooldown() -> None:
    stats = after_failure({}, "billing", "openai", NOW, RULES)
    assert stats["disabledReason"] == "billing"
    assert "cooldownUntil" not in stats
    assert blocked_until(stats, NOW) == NOW + 5 * HOUR_MS


def test_without_an_order_type_and_then_least_recent_use_decide() -> None:
    profiles = store(
        {
            "openai:a": key(),
            "openai:b": key(),
            "openai:t": {"type": "token", "provider": "openai", "token": "tok-secret"},
            "openai:o": {"type": "oauth", "provider": "openai", "access": "acc-secret"},
            "anthropic:x": key("anthropic"),
            "openai:blank": key(text="  "),
            "openai:odd": {"type": "strange", "provider": "openai", "key": "x"},
        },
        usageStats={"openai:a": {"lastUsed": 9}, "openai:b": {"lastUsed": 3}},
    )
    assert ids(profiles) == ["openai:o", "openai:t", "openai:b", "openai:a"]


def test_cooling_profiles_come_last_the_soonest_first() -> None:
    profiles = store(
        {"openai:a": key(), "openai:b": key(), "openai:c": key()},
        usageStats={"openai:a": {"cooldownUntil": NOW + 90}, "openai:b": {"disabledUntil": NOW + 50}},
    )
    assert ids(profiles) == ["openai:c", "openai:b", "openai:a"]


def test_an_explicit_order_is_kept_and_the_stores_wins() -> None:
    profiles = {"openai:a": key(), "openai:b": key(), "openai:c": key()}
    assert ids(store(profiles), config_order=["openai:c", "openai:a"]) == ["openai:c", "openai:a"]
    own = store(
        profiles, order={"OpenAI": ["openai:b", "openai:a"]}, usageStats={"openai:b": {"cooldownUntil": NOW + 1}}
    )
    assert ids(own, config_order=["openai:c"]) == ["openai:a", "openai:b"]


def test_a_pinned_profile_goes_first_even_when_it_cools() -> None:
    profiles = store({"openai:a": key(), "openai:b": key()}, usageStats={"openai:b": {"cooldownUntil": NOW + 1}})
    assert ids(profiles, pinned="openai:b") == ["openai:b", "openai:a"]


def test_expired_and_hidden_profiles_are_left_out() -> None:
    profiles = store(
        {
            "openai:old": {"type": "token", "provider": "openai", "token": "t", "expires": NOW},
            "openai:mode": key(),
            "openai:tok": {"type": "token", "provider": "openai", "token": "t"},
        }
    )
    hints = {"openai:mode": ProfileHint("openai", "oauth"), "openai:tok": ProfileHint("openai", "oauth")}
    assert ids(profiles, hints=hints) == ["openai:tok"]


def test_an_agents_profiles_lie_over_the_main_agents() -> None:
    main = store({"openai:a": key(text="main-secret"), "openai:m": key()}, usageStats={"openai:m": {"lastUsed": 1}})
    own = store({"openai:a": key(text="own-secret-key")})
    both = own.over(main)
    found = both.credential("openai:a")
    assert found is not None
    assert found.secret.reveal() == "own-secret-key"
    assert both.stats("openai:m") == {"lastUsed": 1}


@pytest.mark.parametrize(
    ("text", "expected"),
    [("Z.AI", "zai"), ("z-ai", "zai"), ("opencode-zen", "opencode"), ("qwen", "qwen-portal"), (" OpenAI ", "openai")],
)
def test_provider_ids_are_compared_in_one_spelling(text: str, expected: str) -> None:
    assert provider_id(text) == expected


def test_a_record_is_written_privately_and_keeps_the_rest(tmp_path: Path) -> None:
    path = tmp_path / "auth-profiles.json"
    path.write_text(json.dumps({"version": 1, "profiles": {"openai:a": key()}, "later": {"x": 1}}))
    record_stats(path, "openai:a", {"lastUsed": NOW}, good_for="openai")
    found = json.loads(path.read_text())
    assert found["later"] == {"x": 1}
    assert found["profiles"] == {"openai:a": key()}
    assert found["usageStats"] == {"openai:a": {"lastUsed": NOW}}
    assert found["lastGood"] == {"openai": "openai:a"}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_missing_store_is_empty_and_a_broken_one_is_refused(tmp_path: Path) -> None:
    assert read_profiles(tmp_path / "none.json").profile_ids == ()
    broken = tmp_path / "auth-profiles.json"
    broken.write_text('["sk-secret-value"]')
    with pytest.raises(InvalidInput) as caught:
        read_profiles(broken)
    assert "sk-secret" not in str(caught.value)


def test_a_store_never_shows_its_secrets() -> None:
    profiles = store({"openai:a": key(text="sk-very-secret")})
    assert "sk-very" not in repr(profiles)
    assert "sk-very" not in repr(profiles.credential("openai:a"))


@given(
    raw=st.dictionaries(
        st.sampled_from(["profiles", "order", "usageStats", "lastGood", "x"]),
        st.one_of(
            st.none(),
            st.integers(),
            st.dictionaries(st.text(max_size=5), st.one_of(st.none(), st.integers(), st.text())),
        ),
    )
)
def test_odd_files_never_break_the_rules(raw: dict[str, Any]) -> None:
    assert ids(ProfileStore(raw)) == []


def test_what_only_its_age_rules_out_is_expired_and_what_the_config_hides_is_not() -> None:
    profiles = {
        "p:old": {"type": "oauth", "provider": "p", "access": "a", "refresh": "r", "expires": NOW - 2},
        "p:new": {"type": "token", "provider": "p", "token": "t", "expires": NOW},
        "p:good": {"type": "token", "provider": "p", "token": "t", "expires": NOW + 1},
        "p:hidden": {"type": "token", "provider": "p", "token": "t", "expires": NOW - 1},
        "q:old": {"type": "token", "provider": "q", "token": "t", "expires": NOW - 1},
    }
    kept = ProfileStore({"profiles": profiles})
    hints = {"p:hidden": ProfileHint("p", "api_key")}
    found = expired(kept, "p", now_ms=NOW, hints=hints)
    assert [credential.profile_id for credential in found] == ["p:new", "p:old"]
    assert [credential.profile_id for credential in ordered(kept, "p", now_ms=NOW, hints=hints)] == []
    assert [credential.profile_id for credential in ordered(kept, "p", now_ms=NOW)] == ["p:good"]
