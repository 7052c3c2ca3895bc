from __future__ import annotations

import hashlib
import inspect
from types import FunctionType

from openclaw.policy.who.dm_pairing import is_live, live
from openclaw.security.verify.hashes import hash_of, name_of
from openclaw.state.journal import JournalStore


def test_the_hash_is_that_of_the_source() -> None:
    assert hash_of(live) == hashlib.sha256(inspect.getsource(live).encode()).hexdigest()
    assert hash_of(live) != hash_of(is_live)


def test_a_class_has_one_hash_for_all_of_its_source() -> None:
    assert hash_of(JournalStore) == hashlib.sha256(inspect.getsource(JournalStore).encode()).hexdigest()


def test_without_source_the_code_is_hashed() -> None:
    code = compile("def made(x):\n    return x + 1\n", "<nowhere>", "exec").co_consts[0]
    other = compile("def made(x):\n    return x + 2\n", "<nowhere>", "exec").co_consts[0]
    assert hash_of(FunctionType(code, {})) != hash_of(FunctionType(other, {}))


def test_a_name_says_where_the_function_lives() -> None:
    assert name_of(live) == "openclaw.policy.who.dm_pairing.live"
