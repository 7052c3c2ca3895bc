"""The gateway's certificate: the configured one, or a self-signed pair made once (gateway.md 2.7)."""

from __future__ import annotations

import datetime as dt
import ssl
from pathlib import Path
from typing import Final

from openclaw.config.sections.gateway import Gateway
from openclaw.state.files import read_text, write_private
from openclaw.state.layout import StateLayout
from openclaw.system.environment import Environment
from openclaw.system.errors import OpenClawError, StartRefused

COMMON_NAME: Final = "openclaw-gateway"
YEARS: Final = 10
KEY_BITS: Final = 2048


def tls_context(gateway: Gateway, layout: StateLayout, environment: Environment) -> ssl.SSLContext | None:
    """Return the server context when TLS is on, else None. TLS 1.3 is the least; `~` in paths is the home directory.

    Raises:
        StartRefused: the certificate is missing or unusable; the message names the key.
    """
    block = gateway.tls
    if block.enabled is not True:
        return None
    certificate = environment.expand(block.cert_path) if block.cert_path else layout.tls_certificate
    key = environment.expand(block.key_path) if block.key_path else layout.tls_certificate.with_name("gateway-key.pem")
    own = not block.cert_path and not block.key_path
    try:
        if own and block.auto_generate is not False and read_text(certificate) is None:
            _generate(certificate, key)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.load_cert_chain(certificate, key)
        if block.ca_path:
            context.load_verify_locations(environment.expand(block.ca_path))
    except (OSError, ssl.SSLError, OpenClawError) as error:
        raise StartRefused(
            f"gateway.tls is on but its certificate cannot be used ({error}); set gateway.tls.certPath and .keyPath",
            code="start-tls",
        ) from error
    return context


def _generate(certificate: Path, key: Path) -> None:
    """Write a self-signed RSA pair, private from birth."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.x509.oid import NameOID

    private = rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, COMMON_NAME)])
    now = dt.datetime.now(dt.UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(days=365 * YEARS))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.DNSName(COMMON_NAME)]), False)
        .sign(private, hashes.SHA256())
    )
    write_private(
        key,
        private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ),
    )
    write_private(certificate, built.public_bytes(serialization.Encoding.PEM))
