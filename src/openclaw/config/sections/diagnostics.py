"""`diagnostics`: telemetry and traces (config.md 3.15)."""

from typing import Literal

from openclaw.config.base import Block, Count, Ratio, Secrets, Texts, UrlText, block


class OpenTelemetry(Block):
    """Export of telemetry."""

    enabled: bool | None = None
    """Export it; needs the plugin diagnostics-otel. Default: false."""
    endpoint: UrlText | None = None
    """Collector. Default: OTEL_EXPORTER_OTLP_ENDPOINT."""
    protocol: Literal["http/protobuf", "grpc"] | None = None
    """Wire format; grpc is not spoken and ignored with a warning. Default: http/protobuf."""
    headers: Secrets | None = None
    """Further request headers."""
    service_name: str | None = None
    """Name of the service. Default: OTEL_SERVICE_NAME, else openclaw."""
    traces: bool | None = None
    """Export traces. Default: true."""
    metrics: bool | None = None
    """Export metrics. Default: true."""
    logs: bool | None = None
    """Export logs. Default: false."""
    sample_rate: Ratio | None = None
    """Share of traces, 0 to 1. Default: the library's."""
    flush_interval_ms: Count | None = None
    """Milliseconds between exports, at least 1000. Default: the library's."""


class CacheTrace(Block):
    """Traces of the model cache."""

    enabled: bool | None = None
    """Write them. Default: false."""
    file_path: str | None = None
    """Their file. Default: <state>/logs/cache-trace.jsonl."""
    include_messages: bool | None = None
    """With messages. Default: true."""
    include_prompt: bool | None = None
    """With the prompt. Default: true."""
    include_system: bool | None = None
    """With the system prompt. Default: true."""


class Diagnostics(Block):
    """Telemetry and traces."""

    enabled: bool | None = None
    """Make diagnostic events. Default: false."""
    flags: Texts | None = None
    """Parts that log more, such as telegram.http or *. Default: none."""
    otel: OpenTelemetry = block(OpenTelemetry)
    """Export of telemetry."""
    cache_trace: CacheTrace = block(CacheTrace)
    """Traces of the model cache."""
