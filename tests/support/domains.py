"""Configs whose policies differ in everything by which the domain tells people, rooms and runs apart."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from openclaw.config.compile import compile_policy
from openclaw.config.model import Config
from openclaw.policy.snapshot import Policy
from openclaw.system.environment import Environment

_ANN: Final = "0a1b2c3d-1111-2222-3333-444455556666"
_BOB: Final = "0b1b2c3d-1111-2222-3333-444455556666"

_TELEGRAM: Final[dict[str, Any]] = {
    "channels": {
        "telegram": {
            "botToken": "1:x",
            "allowFrom": ["1", "2", "3", "@ann", "30"],
            "groupAllowFrom": ["3", "4", "@bea", "@cid"],
            "groups": {
                "-100": {"requireMention": False},
                "-200": {},
                "-300": {"allowFrom": ["5", "@ann"], "topics": {"5": {"requireMention": False}, "*": {}}},
                "-400": {"toolsBySender": {"username:Dee": {"deny": ["exec"]}, "id:2": {"deny": ["read"]}}},
                "-500": {},
                "-600": {"tools": {"deny": ["exec"]}},
                "-900": {},
                "*": {"enabled": False},
            },
        }
    },
    "commands": {"ownerAllowFrom": ["telegram:1", "30"], "bash": True},
    "tools": {"elevated": {"allowFrom": {"Telegram": ["2", "name:@Fay", "*", "telegram:user:7"], "slack": ["U1"]}}},
    "session": {"dmScope": "per-peer", "identityLinks": {"gus": ["telegram:8", " 9", "x"]}},
    "agents": {
        "list": [
            {"id": "main", "tools": {"elevated": {"allowFrom": {"telegram": ["3", "owner"], "webchat": ["pad", "*"]}}}},
            {"id": "Ops", "sandbox": {"mode": "all", "workspaceAccess": "ro"}, "subagents": {"allowAgents": ["main"]}},
            {
                "id": "box",
                "sandbox": {"mode": "non-main", "workspaceAccess": "rw"},
                "tools": {"deny": ["exec"], "elevated": {"enabled": False}},
            },
        ]
    },
    "bindings": [
        {
            "agentId": "ops",
            "match": {"channel": "Telegram ", "accountId": "*", "peer": {"kind": "direct", "id": "10 "}},
        },
        {
            "agentId": "box",
            "match": {"channel": "telegram", "peer": {"kind": "group", "id": "-900"}},
        },
        {
            "agentId": "box",
            "match": {"channel": "telegram", "accountId": "main", "peer": {"kind": "group", "id": "-901"}},
        },
        {"agentId": "box", "match": {"channel": "slack", "accountId": "*", "peer": {"kind": "direct", "id": "11"}}},
        {
            "agentId": "ops",
            "match": {"channel": "telegram", "peer": {"kind": "group", "id": "-300:topic:6"}},
        },
        {"agentId": "ops", "match": {"channel": "telegram", "accountId": "*", "peer": {"kind": "channel", "id": "-7"}}},
    ],
    "approvals": {
        "exec": {
            "enabled": True,
            "mode": "targets",
            "targets": [{"channel": "telegram", "to": "-500"}],
        }
    },
}

_ACCOUNTS: Final[dict[str, Any]] = {
    "main": {
        "groups": {"-1": {"toolsBySender": {"*": {"deny": ["exec"]}, "name:Eve": {"allow": ["read"]}}}, "-901": {}},
        "allowFrom": ["1", "6"],
    },
    "Off": {"enabled": False},
}

DOCUMENTS: Final[Mapping[str, dict[str, Any]]] = {
    "empty": {},
    "telegram": _TELEGRAM,
    "telegram, accounts": {
        **_TELEGRAM,
        "channels": {"telegram": {**_TELEGRAM["channels"]["telegram"], "accounts": _ACCOUNTS}},
    },
    "telegram, open": {
        "channels": {
            "telegram": {
                "botToken": "1:x",
                "dmPolicy": "open",
                "allowFrom": ["*", "1"],
                "groupPolicy": "open",
                "groups": {"*": {"requireMention": False}},
            }
        },
        "messages": {"groupChat": {"mentionPatterns": ["hey"]}},
        "session": {"sendPolicy": {"rules": [{"action": "deny", "match": {"chatType": "group"}}]}},
        "agents": {"defaults": {"elevatedDefault": "full"}},
        "tools": {"elevated": {"allowFrom": {"telegram": ["1"]}}, "exec": {"host": "gateway", "security": "full"}},
    },
    "whatsapp": {
        "channels": {
            "whatsapp": {
                "allowFrom": ["+15551230001", "+15551230002"],
                "groupAllowFrom": ["+15551230002"],
                "groups": {"1@g.us": {}, "2@g.us": {"requireMention": False}, "3@g.us": {}},
            }
        },
        "bindings": [
            {"agentId": "main", "match": {"channel": "whatsapp", "peer": {"kind": "direct", "id": "+1 555-123-0003"}}}
        ],
    },
    "whatsapp, alone": {"channels": {"whatsapp": {}}},
    "discord": {
        "channels": {
            "discord": {
                "token": "x",
                "dm": {
                    "allowFrom": ["11", "ann", "ann#1", "pk:m1"],
                    "groupEnabled": True,
                    "groupChannels": ["g2", "g1", "*"],
                },
                "allowBots": True,
                "pluralkit": {"enabled": True},
                "execApprovals": {"enabled": True, "approvers": ["12"]},
                "guilds": {
                    "5": {
                        "users": ["11", "Bea Moo"],
                        "channels": {
                            "general": {},
                            "70": {"autoThread": True, "users": ["13"]},
                            "*": {"requireMention": False},
                        },
                    },
                    "6": {"channels": {"#talk": {"tools": {"deny": ["exec"]}}}},
                    "friends": {"requireMention": False},
                    "*": {},
                },
            }
        },
        "commands": {"native": True},
        "bindings": [
            {"agentId": "main", "match": {"channel": "discord", "guildId": " 8 "}},
            {"agentId": "main", "match": {"channel": "discord", "peer": {"kind": "channel", "id": " 77"}}},
            {"agentId": "main", "match": {"channel": "discord", "teamId": "T9"}},
        ],
    },
    "discord, dm list elevates": {
        "channels": {"discord": {"token": "x", "dm": {"allowFrom": ["21", "user:22"]}, "guilds": {"5": {}, "6": {}}}},
        "agents": {"defaults": {"elevatedDefault": "ask"}},
        "tools": {"exec": {"host": "gateway", "ask": "always"}},
    },
    "slack": {
        "channels": {
            "slack": {
                "botToken": "x",
                "appToken": "y",
                "dm": {"allowFrom": ["U1A", "zoe"], "groupEnabled": True},
                "channels": {
                    "C1": {"users": ["U2B", "W9", "ann"], "allowBots": True},
                    "#general": {},
                    "G3": {},
                    "other": {"requireMention": False},
                    "*": {"toolsBySender": {"name:Max": {"deny": ["exec"]}}},
                },
            }
        },
        "tools": {"elevated": {"allowFrom": {"slack": ["user:U7", "slack:u8"]}}},
        "bindings": [
            {"agentId": "main", "match": {"channel": "slack", "peer": {"kind": "dm", "id": "U3C"}}},
            {"agentId": "main", "match": {"channel": "slack", "peer": {"kind": "dm", "id": "u5e"}}},
            {"agentId": "main", "match": {"channel": "slack", "teamId": "T1 "}},
            {"agentId": "main", "match": {"channel": "slack", "guildId": "9"}},
        ],
    },
    "signal": {
        "channels": {
            "signal": {"account": "+15550000000", "allowFrom": ["+15551230001", f"uuid:{_ANN}"], "groupPolicy": "open"}
        },
        "approvals": {"exec": {"enabled": True, "mode": "both", "targets": [{"channel": "signal", "to": "group:abc"}]}},
    },
    "imessage": {
        "channels": {
            "imessage": {
                "allowFrom": ["+15551230001", "Ann@Example.com", "chat_id:9", "chat_guid:x;-;y"],
                "groupAllowFrom": ["chat_identifier:z"],
                "groups": {"7": {}, "8": {"requireMention": False}, "*": {}},
            }
        }
    },
    "imessage, patterns": {
        "channels": {"imessage": {"allowFrom": ["+15551230001"], "groupPolicy": "open", "groups": {"7": {}, "*": {}}}},
        "messages": {"groupChat": {"mentionPatterns": ["hey"]}},
        "agents": {"list": [{"id": "main"}, {"id": "deaf", "groupChat": {"mentionPatterns": []}}]},
        "bindings": [
            {"agentId": "deaf", "match": {"channel": "imessage", "peer": {"kind": "group", "id": "7"}}},
        ],
    },
    "telegram, lists of text and native commands": {
        "channels": {
            "telegram": {"botToken": "1:x", "allowFrom": ["1", "2"], "groupAllowFrom": ["2", "3"], "groups": {"-1": {}}}
        },
        "session": {
            "sendPolicy": {
                "rules": [
                    {"action": "deny", "match": {"channel": "telegram", "chatType": "direct"}},
                    {"action": "deny", "match": {"keyPrefix": "agent:main:telegram:group:-1"}},
                ]
            }
        },
    },
    "discord, accounts": {
        "channels": {
            "discord": {
                "guilds": {"*": {"channels": {"80": {}, "#lobby": {}}}},
                "accounts": {
                    "one": {"token": "x", "allowBots": True, "dm": {"allowFrom": ["31"]}},
                    "two": {"token": "y", "dm": {"allowFrom": ["32"]}},
                },
            }
        }
    },
    "discord, replies in no channel": {
        "channels": {
            "discord": {
                "token": "x",
                "dm": {"groupEnabled": True},
                "groupPolicy": "open",
                "guilds": {"5": {"channels": {"70": {"autoThread": True}}}},
            }
        },
        "session": {"sendPolicy": {"rules": [{"action": "deny", "match": {"chatType": "channel"}}]}},
    },
    "bluebubbles": {
        "channels": {
            "bluebubbles": {"serverUrl": "http://127.0.0.1:1", "password": "x", "groups": {"5": {}}},
        }
    },
    "msteams": {
        "channels": {
            "msteams": {
                "appId": "a",
                "appPassword": "b",
                "tenantId": "c",
                "allowFrom": [_ANN, "Ann Lee"],
                "groupAllowFrom": [_BOB],
                "teams": {
                    "19:t@thread.tacv2": {"channels": {"19:c@thread.tacv2": {}, "Chat": {"requireMention": False}}},
                    "Sales": {"channels": {"19:d@thread.tacv2": {}}},
                    "Support": {},
                    "*": {},
                },
            }
        },
        "bindings": [{"agentId": "main", "match": {"channel": "msteams", "teamId": "19:u@thread.tacv2"}}],
    },
    "googlechat": {
        "channels": {"googlechat": {"dm": {"allowFrom": ["users/1"]}, "groups": {"spaces/a": {"users": ["users/2"]}}}}
    },
    "sandboxes": {
        "channels": {"telegram": {"botToken": "1:x", "allowFrom": ["1"], "groups": {"-1": {}}}},
        "agents": {
            "defaults": {"sandbox": {"mode": "non-main", "sessionToolsVisibility": "all"}},
            "list": [
                {"id": "a", "sandbox": {"workspaceAccess": "rw"}},
                {
                    "id": "b",
                    "sandbox": {"mode": "all"},
                    "tools": {"allow": ["read", "exec"], "exec": {"host": "gateway"}},
                },
                {
                    "id": "c",
                    "sandbox": {"mode": "all", "workspaceAccess": "ro", "sessionToolsVisibility": "spawned"},
                    "tools": {"deny": ["read", "session_status"]},
                },
                {"id": "d", "sandbox": {"mode": "off"}, "tools": {"deny": ["sessions_spawn", "edit"]}},
                {"id": "f", "tools": {"deny": ["write", "exec"], "fs": {"workspaceOnly": False}}},
                {"id": "g", "sandbox": {"mode": "off"}, "tools": {"deny": ["write"], "fs": {"workspaceOnly": False}}},
                {"id": "e", "tools": {"deny": ["write", "edit", "exec", "group:sessions"]}},
            ],
        },
        "tools": {
            "agentToAgent": {"enabled": True, "allow": ["a", "b", "d"]},
            "sessions": {"visibility": "all"},
            "elevated": {"allowFrom": {"webchat": ["desk"]}},
            "fs": {"workspaceOnly": True},
            "exec": {"host": "node", "node": "phone", "security": "allowlist", "ask": "off"},
            "byProvider": {"openai": {"deny": ["exec"]}, "openai/gpt-5": {"deny": ["read"]}},
        },
        "gateway": {"tools": {"allow": ["exec", "whatsapp_login"]}},
        "hooks": {"enabled": True, "token": "x" * 32},
        "session": {"scope": "global"},
    },
}
"""By what they are about."""

CHANGED: Final[Mapping[str, tuple[dict[str, Any], dict[str, Any]]]] = {
    "a guild by name, then by id": (
        {"channels": {"discord": {"token": "x", "guilds": {"friends": {"channels": {"70": {}}}, "5": {}}}}},
        {"channels": {"discord": {"token": "x", "guilds": {"friends": {}, "*": {}}}}},
    ),
    "a channel of a guild by name, then by id": (
        {"channels": {"discord": {"token": "x", "guilds": {"5": {"channels": {"#talk": {}, "70": {}}}}}}},
        {"channels": {"discord": {"token": "x", "guilds": {"5": {"channels": {"#talk": {}}}}}}},
    ),
    "a channel by name, then by id": (
        {"channels": {"slack": {"botToken": "x", "appToken": "y", "channels": {"#general": {}, "C1": {}, "*": {}}}}},
        {"channels": {"slack": {"botToken": "x", "appToken": "y", "channels": {"#general": {}}}}},
    ),
    "a team by name, then by id": (
        {
            "channels": {
                "msteams": {"appId": "a", "appPassword": "b", "tenantId": "c", "teams": {"Ops": {}, "19:t@x": {}}}
            }
        },
        {"channels": {"msteams": {"appId": "a", "appPassword": "b", "tenantId": "c", "teams": {"Ops": {}}}}},
    ),
    "lists and settings of people and groups": (
        {
            "channels": {
                "telegram": {"botToken": "1:x", "allowFrom": ["1", "2"], "groups": {"-1": {}, "-2": {}, "-3": {}}}
            }
        },
        {
            "channels": {
                "telegram": {
                    "botToken": "1:x",
                    "allowFrom": ["2", "3"],
                    "groups": {"-1": {}, "-2": {"requireMention": False}, "-4": {"groupPolicy": "open"}, "-3": {}},
                }
            },
            "commands": {"ownerAllowFrom": ["telegram:2"]},
        },
    ),
    "an account that only one has": (
        {"channels": {"telegram": {"accounts": {"a": {"botToken": "1:x"}}}}},
        {
            "channels": {
                "telegram": {
                    "accounts": {
                        "a": {"botToken": "1:x"},
                        "b": {"botToken": "2:y", "allowFrom": ["5"], "groups": {"-1": {}, "-2": {}}},
                    }
                }
            }
        },
    ),
    "a channel that only one has": (
        {"channels": {"whatsapp": {"allowFrom": ["+15551230001"]}}},
        {"channels": {"whatsapp": {"accounts": {"default": {"enabled": False}}}, "telegram": {"botToken": "1:x"}}},
    ),
}
"""Two configs each, as before and after a change."""


def compiled(name: str) -> tuple[Policy, ...]:
    """Return the policies of a document, or of the two of a change."""
    documents = CHANGED[name] if name in CHANGED else (DOCUMENTS[name],)
    return tuple(compile_policy(Config.from_document(one), Environment({})) for one in documents)
