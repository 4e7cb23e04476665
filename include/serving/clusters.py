"""The gateway's clusters: one for each arm and protocol (JSON of an xDS cluster file)."""

from typing import Any

from include.serving.topology import ARMS, PROTOCOLS, cluster_name, port
from include.settings import Settings

TYPE = "type.googleapis.com/envoy.config.cluster.v3.Cluster"
HTTP_OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"

PANIC = {"stable": 1, "canary": 100, "shadow": 100}
"""Share of healthy hosts, in %, below which health is ignored.

An arm of one replica must stay "tryable" when that replica is dead: a cluster with no host answers 503 without any
retry, while a refused connection is retried at stable.
"""

ALIVE = {"path": "/v1/models", "expected_statuses": [{"start": 200, "end": 500}]}
"""A server answers 400 here ("Missing model name in request."), and that is a sign of life whatever it serves."""


def clusters(settings: Settings) -> dict[str, Any]:
    """The cluster file: a discovery response with every arm on every protocol."""
    return {"resources": [cluster(settings, arm, protocol) for arm in ARMS for protocol in PROTOCOLS]}


def cluster(settings: Settings, arm: str, protocol: str) -> dict[str, Any]:
    """One arm on one protocol."""
    value: dict[str, Any] = {
        "@type": TYPE,
        "name": cluster_name(arm, protocol),
        "type": "STATIC",
        "connect_timeout": "0.5s",
        "lb_policy": "LEAST_REQUEST",
        "metadata": {"filter_metadata": {"nightfill": {"arm": arm}}},
        "load_assignment": {
            "cluster_name": cluster_name(arm, protocol),
            "endpoints": [{"lb_endpoints": [endpoint(settings, name, protocol) for name in ARMS[arm]]}],
        },
        "health_checks": [
            {
                "timeout": "1s",
                "interval": "1s",
                "no_traffic_interval": "1s",
                "unhealthy_threshold": 2,
                "healthy_threshold": 1,
                "http_health_check": ALIVE,
            }
        ],
        "outlier_detection": {
            "consecutive_5xx": 5,
            "consecutive_gateway_failure": 5,
            "enforcing_consecutive_gateway_failure": 100,
            "interval": "1s",
            "base_ejection_time": "5s",
            "max_ejection_percent": 60,
            "split_external_local_origin_errors": True,
            "consecutive_local_origin_failure": 3,
        },
        "common_lb_config": {"healthy_panic_threshold": {"value": PANIC[arm]}},
        "circuit_breakers": {"thresholds": [_limits(arm)]},
    }
    if protocol == "grpc":
        value["typed_extension_protocol_options"] = {
            HTTP_OPTIONS: {
                "@type": f"type.googleapis.com/{HTTP_OPTIONS}",
                "explicit_http_config": {"http2_protocol_options": {}},
            }
        }
    return value


def endpoint(settings: Settings, replica: str, protocol: str) -> dict[str, Any]:
    """One replica. Its health is always asked over REST: the replica is one process."""
    return {
        "endpoint": {
            "address": {"socket_address": {"address": settings.host(replica), "port_value": port(settings, replica, protocol)}},
            "health_check_config": {"port_value": port(settings, replica, "rest")},
        },
        "metadata": {"filter_metadata": {"nightfill": {"replica": replica}}},
    }


def _limits(arm: str) -> dict[str, Any]:
    """The shadow may never queue up behind shoppers' requests; retries may add at most a quarter to stable's load."""
    if arm == "shadow":
        return {"max_connections": 16, "max_pending_requests": 64, "max_requests": 64, "max_retries": 0}
    budget = {"budget_percent": {"value": 25}, "min_retry_concurrency": 50}
    return {"max_connections": 256, "max_pending_requests": 1024, "max_requests": 2048, "retry_budget": budget}
