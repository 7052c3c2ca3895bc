"""`agents.*.memorySearch`: what the agent's memory indexes and how it is searched (config.md 3.9)."""

from typing import Literal

from openclaw.config.base import Block, Count, Positive, Ratio, Secrets, SecretText, Seq, Texts, UrlText, block


class MemoryExperimental(Block):
    """Features on trial."""

    session_memory: bool | None = None
    """Index transcripts. Default: false."""


class EmbeddingBatch(Block):
    """Embedding in batches."""

    enabled: bool | None = None
    """Use batches. Default: true."""
    wait: bool | None = None
    """Wait for their end. Default: true."""
    concurrency: Positive | None = None
    """Batches at a time. Default: 2."""
    poll_interval_ms: Count | None = None
    """Milliseconds between questions for the result. Default: 2000."""
    timeout_minutes: Positive | None = None
    """Minutes before a batch is given up. Default: 60."""


class MemoryRemote(Block):
    """The embedding service."""

    base_url: UrlText | None = None
    """API address. Default: the provider's."""
    api_key: SecretText | None = None
    """API key. Default: the provider's."""
    headers: Secrets | None = None
    """Further request headers."""
    batch: EmbeddingBatch = block(EmbeddingBatch)
    """Embedding in batches."""


class MemoryLocal(Block):
    """The local embedding model."""

    model_path: str | None = None
    """Model file or reference. Default: built in."""
    model_cache_dir: str | None = None
    """Folder for downloaded models."""


class MemoryVector(Block):
    """The vector index."""

    enabled: bool | None = None
    """Use it. Default: true."""
    extension_path: str | None = None
    """SQLite extension. Default: bundled."""


class MemoryStore(Block):
    """Where the index lies."""

    driver: Literal["sqlite"] | None = None
    """Kind of store. Default: sqlite."""
    path: str | None = None
    """File; `{agentId}` is replaced. Default: <state>/memory/{agentId}.sqlite."""
    vector: MemoryVector = block(MemoryVector)
    """The vector index."""


class MemoryChunking(Block):
    """How texts are cut."""

    tokens: Positive | None = None
    """Tokens per piece. Default: 400."""
    overlap: Count | None = None
    """Tokens that neighbours share. Default: 80."""


class MemorySessionSync(Block):
    """When transcripts are indexed again."""

    delta_bytes: Count | None = None
    """Bytes that are new. Default: 100000."""
    delta_messages: Count | None = None
    """Messages that are new. Default: 50."""


class MemorySync(Block):
    """When the index is brought up to date."""

    on_session_start: bool | None = None
    """When a session starts. Default: true."""
    on_search: bool | None = None
    """Before a search. Default: true."""
    watch: bool | None = None
    """When files change. Default: true."""
    watch_debounce_ms: Count | None = None
    """Quiet time after a change in milliseconds. Default: 1500."""
    interval_minutes: Count | None = None
    """Every so many minutes; 0 switches it off. Default: 0."""
    sessions: MemorySessionSync = block(MemorySessionSync)
    """When transcripts are indexed again."""


class MemoryHybrid(Block):
    """Joint search by meaning and by words."""

    enabled: bool | None = None
    """Search both ways. Default: true."""
    vector_weight: Ratio | None = None
    """Weight of meaning. Default: 0.7."""
    text_weight: Ratio | None = None
    """Weight of words. Default: 0.3."""
    candidate_multiplier: Positive | None = None
    """Candidates per wanted result. Default: 4."""


class MemoryQuery(Block):
    """How the memory is searched."""

    max_results: Positive | None = None
    """Results at most. Default: 6."""
    min_score: Ratio | None = None
    """Lowest score. Default: 0.35."""
    hybrid: MemoryHybrid = block(MemoryHybrid)
    """Joint search by meaning and by words."""


class MemoryCache(Block):
    """Cache of embeddings."""

    enabled: bool | None = None
    """Keep them. Default: true."""
    max_entries: Positive | None = None
    """Entries at most. Default: no limit."""


class MemorySearch(Block):
    """What the agent's memory indexes and how it is searched."""

    enabled: bool | None = None
    """Offer the memory. Default: true."""
    sources: Seq[Literal["memory", "sessions"]] | None = None
    """What is indexed. Default: memory files."""
    extra_paths: Texts | None = None
    """Further files and folders. Default: none."""
    experimental: MemoryExperimental = block(MemoryExperimental)
    """Features on trial."""
    provider: Literal["openai", "local", "gemini", "voyage"] | None = None
    """Embedding provider. Default: whichever is available."""
    remote: MemoryRemote = block(MemoryRemote)
    """The embedding service."""
    fallback: Literal["openai", "gemini", "local", "voyage", "none"] | None = None
    """Provider when the first one fails. Default: none."""
    model: str | None = None
    """Embedding model. Default: the provider's usual one."""
    local: MemoryLocal = block(MemoryLocal)
    """The local embedding model."""
    store: MemoryStore = block(MemoryStore)
    """Where the index lies."""
    chunking: MemoryChunking = block(MemoryChunking)
    """How texts are cut."""
    sync: MemorySync = block(MemorySync)
    """When the index is brought up to date."""
    query: MemoryQuery = block(MemoryQuery)
    """How the memory is searched."""
    cache: MemoryCache = block(MemoryCache)
    """Cache of embeddings."""
