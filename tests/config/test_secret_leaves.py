from __future__ import annotations

from openclaw.config.secret_leaves import secret_leaves


def test_each_secret_is_listed_with_its_form_and_without_its_value() -> None:
    document = {
        "gateway": {"auth": {"token": "hunter2", "password": "${PW}"}, "port": 5},
        "channels": {
            "telegram": {"accounts": {"a": {"botToken": {"source": "env", "id": "X"}}}, "webhookSecret": ""},
            "googlechat": {"serviceAccount": {"type": "service_account"}},
            "foochat": {"token": "hunter2"},
        },
        "env": {"A": "hunter2"},
        "hooks": {"mappings": [{"id": "x"}]},
        "plugins": {"entries": {"x": {"config": {"token": "hunter2"}}}},
    }
    found = list(secret_leaves(document))
    assert {leaf.path: str(leaf.form) for leaf in found} == {
        "gateway.auth.token": "plain",
        "gateway.auth.password": "variable",
        "channels.telegram.accounts.a.botToken": "reference",
        "channels.googlechat.serviceAccount": "plain",
        "env.A": "plain",
    }
    assert "hunter2" not in repr(found)
