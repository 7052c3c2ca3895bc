from __future__ import annotations

import pytest

from openclaw.policy.what.exec_model import ExecPolicy, ExecSettings

WORK = ExecSettings(timeout_sec=5)


@pytest.mark.parametrize(("agent", "seconds"), [("work", 5), ("other", 1800), ("", 1800)])
def test_an_agent_that_is_listed_has_settings_of_its_own(agent: str, seconds: int) -> None:
    assert ExecPolicy(agents={"work": WORK}).for_agent(agent).timeout_sec == seconds
