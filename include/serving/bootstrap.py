"""The gateway's bootstrap: the part that never changes while it runs. Routes and clusters are files that it watches."""

from pathlib import Path
from typing import Any

from include.serving.routes import HOUSEHOLD_HEADER, NAME, REQUEST_HEADER, SURFACE_HEADER
from include.settings import Settings

HTTP = "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
ROUTER = "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"
FILE_LOG = "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog"
CONNECTIONS = "envoy.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig"

ATTEMPT = {
    "t": "%START_TIME(%s.%6f)%",
    "surface": f"%REQ({SURFACE_HEADER})%",
    "path": "%REQ(:path)%",
    "household": f"%REQ({HOUSEHOLD_HEADER})%",
    "request_id": f"%REQ({REQUEST_HEADER}?x-request-id)%",
    "cluster": "%UPSTREAM_CLUSTER_RAW%",
    "replica": "%UPSTREAM_METADATA(nightfill:replica)%",
    "code": "%RESPONSE_CODE%",
    "grpc": "%GRPC_STATUS_NUMBER%",
    "flags": "%RESPONSE_FLAGS%",
    "attempt": "%REQ(x-envoy-attempt-count)%",
    "us": "%COMMON_DURATION(US_TX_BEG:US_RX_BEG:us)%",
    "ms": "%DURATION%",
}
"""One line an attempt: the only place where a canary's error that a retry hid keeps its arm."""


def bootstrap(settings: Settings, folder: Path, attempts: Path) -> dict[str, Any]:
    """The whole static file.

    Args:
        folder: where clusters.json and routes.json lie, absolute.
        attempts: the attempt log, absolute.
    """
    watched = {"route_config_name": NAME, "config_source": _watched(folder, "routes.json")}
    return {
        "node": {"id": "nightfill", "cluster": "nightfill"},
        "admin": {"address": _address(settings, "gateway_admin")},
        "dynamic_resources": {"cds_config": _watched(folder, "clusters.json")},
        "overload_manager": {
            "resource_monitors": [
                {
                    "name": "envoy.resource_monitors.global_downstream_max_connections",
                    "typed_config": {
                        "@type": f"type.googleapis.com/{CONNECTIONS}",
                        "max_active_downstream_connections": 4096,
                    },
                }
            ]
        },
        "static_resources": {"listeners": [_listener(settings, {"rds": watched}, attempts)]},
    }


def static_twin(settings: Settings, routes: dict[str, Any], clusters: dict[str, Any]) -> dict[str, Any]:
    """The same gateway with routes and clusters written in, so that `--mode validate` sees them.

    Validating the real bootstrap never opens the files that it watches.
    """
    table = {"route_config": {key: value for key, value in routes["resources"][0].items() if key != "@type"}}
    plain = [{key: value for key, value in one.items() if key != "@type"} for one in clusters["resources"]]
    return {
        "static_resources": {
            "listeners": [_listener(settings, table, Path("/dev/null"))],
            "clusters": plain,
        }
    }


def _listener(settings: Settings, table: dict[str, Any], attempts: Path) -> dict[str, Any]:
    """One port for gRPC and REST alike."""
    manager = {
        "@type": HTTP,
        "stat_prefix": "gateway",
        "codec_type": "AUTO",
        "normalize_path": True,
        "merge_slashes": True,
        "path_with_escaped_slashes_action": "REJECT_REQUEST",
        "preserve_external_request_id": True,
        "common_http_protocol_options": {"idle_timeout": "300s", "headers_with_underscores_action": "REJECT_REQUEST"},
        "http_filters": [
            {
                "name": "envoy.filters.http.router",
                "typed_config": {
                    "@type": ROUTER,
                    "upstream_log": [
                        {
                            "name": "envoy.access_loggers.file",
                            "typed_config": {"@type": FILE_LOG, "path": str(attempts), "log_format": {"json_format": ATTEMPT}},
                        }
                    ],
                },
            }
        ],
    }
    chain = {"filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager | table}]}
    return {"name": "gateway", "address": _address(settings, "gateway"), "filter_chains": [chain]}


def _address(settings: Settings, name: str) -> dict[str, Any]:
    return {"socket_address": {"address": settings.listen(name), "port_value": settings.port(name)}}


def _watched(folder: Path, name: str) -> dict[str, Any]:
    source = {"path": str(folder / name), "watched_directory": {"path": str(folder)}}
    return {"path_config_source": source, "resource_api_version": "V3"}
