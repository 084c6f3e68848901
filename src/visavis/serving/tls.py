"""A certificate that the server makes for itself: cameras work only over a safe connection."""

from __future__ import annotations

import hashlib
import ipaddress
import socket
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from visavis.errors import DataError
from visavis.files import write_atomically

if TYPE_CHECKING:
    from cryptography import x509

VALID_FOR = timedelta(days=397)
"""The longest that browsers accept."""
RENEW_BEFORE = timedelta(days=30)


def self_signed(folder: Path, host: str) -> tuple[Path, Path]:
    """The certificate and key of this machine, made where there are none that still hold.

    They are kept, so that a browser that was told once to trust them goes on doing so.

    Args:
        folder: where they are kept.
        host: the address that is served; the names of the machine are in the certificate as well.

    Returns:
        Both files, in PEM; only their owner may read the key.

    Raises:
        DataError: they cannot be written.
    """
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    names = _names(host)
    if not _holds(certificate, key, names):
        try:
            chain, secret = _make(names)
            write_atomically(key, secret, 0o600)
            write_atomically(certificate, chain)
        except OSError as error:
            raise DataError(
                f"cannot write a certificate to {folder} ({error.strerror}); give your own with "
                "--tls-cert and --tls-key"
            ) from None
    return certificate, key


def fingerprint(certificate: Path) -> str:
    """Of a certificate in PEM, as browsers show it: the SHA-256 in pairs of digits."""
    der = ssl.PEM_cert_to_DER_cert(certificate.read_text("ascii"))
    return hashlib.sha256(der).digest().hex(":").upper()


def _names(host: str) -> list[str]:
    names = {host, "localhost", "127.0.0.1", "::1", socket.gethostname(), own_address()}
    return sorted(names - {"", "0.0.0.0", "::"})  # noqa: S104 - every address is no name


def own_address() -> str:
    """This machine's address in its network, by its routing table; empty where there is none.

    Nothing is sent.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # an address for documentation (RFC 5737)
            return str(probe.getsockname()[0])
        except OSError:
            return ""


def _holds(certificate: Path, key: Path, names: list[str]) -> bool:
    from cryptography import x509

    try:
        found = x509.load_pem_x509_certificate(certificate.read_bytes())
        known = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (OSError, ValueError, x509.ExtensionNotFound):
        return False
    covered = {str(name.value) for name in known}
    left = found.not_valid_after_utc - datetime.now(UTC)
    return key.is_file() and left > RENEW_BEFORE and covered.issuperset(names)


def _make(names: list[str]) -> tuple[bytes, bytes]:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "visavis")])
    begins = datetime.now(UTC) - timedelta(minutes=5)  # clocks differ
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(begins + VALID_FOR)
        .add_extension(x509.SubjectAlternativeName([_general(name) for name in names]), False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return certificate.public_bytes(serialization.Encoding.PEM), secret


def _general(name: str) -> x509.GeneralName:
    from cryptography import x509

    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
