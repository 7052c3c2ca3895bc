"""`gateway`: how the gateway listens, whom it lets in, and how a client reaches a remote one (config.md 3.1, 3.17)."""

from typing import Literal

from openclaw.config.base import (
    Block,
    Count,
    OpenBlock,
    Port,
    Positive,
    SecretText,
    TailscaleMode,
    Texts,
    UrlText,
    block,
)


class TrustedProxyAuth(Block):
    """How a reverse proxy tells who its user is."""

    user_header: str
    """Header that names the user."""
    required_headers: Texts | None = None
    """Headers that must be present as well. Default: none."""
    allow_users: Texts | None = None
    """Users that are let in. Default: all that the proxy names."""
    allow_loopback: bool | None = None
    """Believe a proxy on this machine. Default: false."""


class AuthRateLimit(Block):
    """Brake for failed logins, per client address."""

    max_attempts: Positive | None = None
    """Failures before the lock. Default: 10."""
    window_ms: Positive | None = None
    """Time in milliseconds over which failures count. Default: 60000."""
    lockout_ms: Positive | None = None
    """Length of the lock in milliseconds. Default: 300000."""
    exempt_loopback: bool | None = None
    """Never lock this machine out. Default: true."""


class GatewayAuth(Block):
    """Who may open a connection to the gateway."""

    mode: Literal["token", "password", "trusted-proxy"] | None = None
    """Kind of login. Default: password when one is set, else token."""
    token: SecretText | None = None
    """Shared token. Default: OPENCLAW_GATEWAY_TOKEN."""
    password: SecretText | None = None
    """Shared password. Default: OPENCLAW_GATEWAY_PASSWORD."""
    allow_tailscale: bool | None = None
    """Accept verified Tailscale identity headers. Default: true in serve mode unless the mode is password."""
    trusted_proxy: TrustedProxyAuth | None = None
    """Settings of the mode trusted-proxy."""
    rate_limit: AuthRateLimit = block(AuthRateLimit)
    """Brake for failed logins."""


class ControlUi(Block):
    """The web page served by the gateway."""

    enabled: bool | None = None
    """Serve it. Default: true."""
    base_path: str | None = None
    """URL prefix. Default: none, the root."""
    root: str | None = None
    """Folder of its files. Default: the bundled ones."""
    allowed_origins: Texts | None = None
    """Further full origins whose pages may connect. Default: none."""
    allow_insecure_auth: bool | None = None
    """Let it log in with the token alone, without a device identity. Default: false."""
    dangerously_disable_device_auth: bool | None = None
    """Ask for no device identity at all. Default: false."""
    dangerously_allow_host_header_origin_fallback: bool | None = None
    """Take the Host header for the allowed origin. Default: false."""


class Tailscale(Block):
    """Exposure through Tailscale."""

    mode: TailscaleMode | None = None
    """Inside the tailnet (serve) or on the internet (funnel). Default: off."""
    reset_on_exit: bool | None = None
    """Undo it when the gateway stops. Default: false."""


class RemoteGateway(Block):
    """The gateway that this machine's commands talk to in remote mode."""

    url: UrlText | None = None
    """Address, ws:// or wss://."""
    transport: Literal["ssh", "direct"] | None = None
    """Through an SSH tunnel or straight. Default: ssh."""
    token: SecretText | None = None
    """Token for that gateway; it never protects this one."""
    password: SecretText | None = None
    """Password for that gateway."""
    tls_fingerprint: str | None = None
    """SHA-256 of its certificate, which is then the only one accepted."""
    ssh_target: str | None = None
    """SSH destination as user@host[:port]."""
    ssh_identity: str | None = None
    """Key file for SSH."""


class Reload(Block):
    """What a change of the config file does to a running gateway."""

    mode: Literal["off", "restart", "hot", "hybrid"] | None = None
    """Nothing, always restart, apply only, or whichever is needed. Default: hybrid."""
    debounce_ms: Count | None = None
    """Quiet time in milliseconds before a change is applied. Default: 300."""


class Tls(OpenBlock):
    """TLS on the gateway port. Unknown keys are dropped."""

    enabled: bool | None = None
    """Speak TLS. Default: false."""
    auto_generate: bool | None = None
    """Make a self-signed certificate when there is none. Default: true."""
    cert_path: str | None = None
    """Certificate file (PEM). Default: <state>/gateway/tls/gateway-cert.pem."""
    key_path: str | None = None
    """Key file (PEM). Default: <state>/gateway/tls/gateway-key.pem."""
    ca_path: str | None = None
    """Further root certificates."""


class ChatCompletionsEndpoint(Block):
    """`POST /v1/chat/completions`."""

    enabled: bool | None = None
    """Serve it. Default: false."""


class PdfLimits(Block):
    """Limits for PDF files."""

    max_pages: Positive | None = None
    """Pages that are rendered. Default: 4."""
    max_pixels: Positive | None = None
    """Pixels that are rendered. Default: 4000000."""
    min_text_chars: Count | None = None
    """With less text than this, pages are rendered. Default: 200."""


class FileInputs(Block):
    """Files inside requests."""

    allow_url: bool | None = None
    """Fetch files that are named by URL. Default: true."""
    allowed_mimes: Texts | None = None
    """Accepted media types. Default: text/plain, text/markdown, text/html, text/csv, application/json,
    application/pdf."""
    max_bytes: Positive | None = None
    """Size of one file in bytes. Default: 5 MiB."""
    max_chars: Positive | None = None
    """Characters kept of one file. Default: 200000."""
    max_redirects: Count | None = None
    """Redirects followed. Default: 3."""
    timeout_ms: Positive | None = None
    """Time for one fetch in milliseconds. Default: 10000."""
    pdf: PdfLimits = block(PdfLimits)
    """Limits for PDF files."""


class ImageInputs(Block):
    """Images inside requests."""

    allow_url: bool | None = None
    """Fetch images that are named by URL. Default: true."""
    allowed_mimes: Texts | None = None
    """Accepted media types. Default: image/jpeg, image/png, image/gif, image/webp."""
    max_bytes: Positive | None = None
    """Size of one image in bytes. Default: 10 MiB."""
    max_redirects: Count | None = None
    """Redirects followed. Default: 3."""
    timeout_ms: Positive | None = None
    """Time for one fetch in milliseconds. Default: 10000."""


class ResponsesEndpoint(Block):
    """`POST /v1/responses`."""

    enabled: bool | None = None
    """Serve it. Default: false."""
    max_body_bytes: Positive | None = None
    """Size of one request in bytes. Default: 20 MiB."""
    files: FileInputs = block(FileInputs)
    """Files inside requests."""
    images: ImageInputs = block(ImageInputs)
    """Images inside requests."""


class HttpEndpoints(Block):
    """The optional HTTP APIs."""

    chat_completions: ChatCompletionsEndpoint = block(ChatCompletionsEndpoint)
    """`POST /v1/chat/completions`."""
    responses: ResponsesEndpoint = block(ResponsesEndpoint)
    """`POST /v1/responses`."""


class GatewayHttp(Block):
    """HTTP on the gateway port."""

    endpoints: HttpEndpoints = block(HttpEndpoints)
    """The optional HTTP APIs."""


class NodeBrowser(Block):
    """Browser calls that a node serves."""

    mode: Literal["auto", "manual", "off"] | None = None
    """Use the only connected node, only a named one, or none. Default: auto."""
    node: str | None = None
    """Id or name of the node to use."""


class NodePairing(Block):
    """How nodes are paired."""

    auto_approve_local: bool | None = None
    """Pair a node of this machine without asking. Default: true."""


class GatewayNodes(Block):
    """What nodes may be asked to do."""

    browser: NodeBrowser = block(NodeBrowser)
    """Browser calls that a node serves."""
    allow_commands: Texts | None = None
    """Commands beyond those of the node's platform. Default: none."""
    deny_commands: Texts | None = None
    """Commands that are always refused; wins. Default: none."""
    pairing: NodePairing = block(NodePairing)
    """How nodes are paired."""


class GatewayTools(Block):
    """Which tools may be called over HTTP."""

    allow: Texts | None = None
    """Tools taken off the built-in refusal list. Default: none."""
    deny: Texts | None = None
    """Further tools that are refused. Default: none."""


class Gateway(Block):
    """How the gateway listens, whom it lets in, and how a client reaches a remote one."""

    mode: Literal["local", "remote"] | None = None
    """Whether this machine runs the gateway or talks to another one. The gateway starts only in `local`."""
    port: Port | None = None
    """Port for WebSocket and HTTP. Default: 18789."""
    bind: Literal["auto", "lan", "loopback", "custom", "tailnet"] | None = None
    """Which addresses it listens on. Default: loopback."""
    custom_bind_host: str | None = None
    """IP address to listen on when bind is `custom`."""
    auth: GatewayAuth = block(GatewayAuth)
    """Who may open a connection."""
    trusted_proxies: Texts | None = None
    """Addresses of proxies whose forwarding headers are believed. Default: none."""
    allow_real_ip_fallback: bool | None = None
    """Believe X-Real-IP of a trusted proxy when it sends no X-Forwarded-For. Default: true."""
    control_ui: ControlUi = block(ControlUi)
    """The web page."""
    tailscale: Tailscale = block(Tailscale)
    """Exposure through Tailscale."""
    remote: RemoteGateway = block(RemoteGateway)
    """The gateway that commands talk to in remote mode."""
    reload: Reload = block(Reload)
    """What a change of the config file does."""
    tls: Tls = block(Tls)
    """TLS on the gateway port."""
    http: GatewayHttp = block(GatewayHttp)
    """HTTP on the gateway port."""
    nodes: GatewayNodes = block(GatewayNodes)
    """What nodes may be asked to do."""
    tools: GatewayTools = block(GatewayTools)
    """Which tools may be called over HTTP."""
