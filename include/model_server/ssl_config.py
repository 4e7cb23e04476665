"""The text of --ssl_config_file: keys and certificates for gRPC, in PEM."""

from pathlib import Path
from typing import Any

import grpc

from include.model_server.protos import parse_text


def credentials(file: str) -> Any:
    """The server's credentials. Raises StatusError for an unparsable file, OSError for one that cannot be read."""
    config = parse_text("SSLConfig", Path(file).read_text(encoding="utf-8"))
    return grpc.ssl_server_credentials(
        [(config.server_key.encode(), config.server_cert.encode())],
        root_certificates=config.custom_ca.encode() or None,
        require_client_auth=config.client_verify,
    )
