"""The gateway's routes: which arm answers which household on which surface (JSON of an xDS route file).

Only Predict is reachable, over gRPC and REST. Everything else, the servers' admin calls above all, is 404 here.
"""

import re
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from include.canonical import digest
from include.serving.models_config import check_surface
from include.serving.topology import cluster_name

NAME = "serving"
TYPE = "type.googleapis.com/envoy.config.route.v3.RouteConfiguration"
PRIORITY_GROUP = "envoy.extensions.router.cluster_specifiers.priority_group.v3.PriorityGroupClusterSpecifier"
PREVIOUS_HOSTS = "envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate"

SURFACE_HEADER, HOUSEHOLD_HEADER, ARM_HEADER = "x-nightfill-surface", "x-nightfill-household", "x-nightfill-arm"
REQUEST_HEADER, ATTEMPTS_HEADER = "x-nightfill-request", "x-nightfill-attempts"

GRPC_PATH = "/tensorflow.serving.PredictionService/Predict"
WHOLE = 10_000
"""The constant sum of weights: with it a ramp never sends a household back."""

RETRIED = "connect-failure,refused-stream,reset,gateway-error,unavailable,internal,retriable-headers"
FAULTS = {"grpc-status": "2|5|9|12|15", ":status": "404|500|501"}
"""Answers that say "this server cannot": unknown, not found, failed precondition, unimplemented, data loss; 500 over REST."""

CANARY_FAULTS = {"grpc-status": "2|3|5|9|12|15", ":status": "400|404|500|501"}
"""While a canary has traffic, even "your request is wrong" is asked again at stable: it may be the candidate's fault."""


class SurfaceRoute(BaseModel):
    """How one surface is routed.

    `weight` is the canary's share in % (two decimals count), `salt` changes who is in it and belongs to a release.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    weight: float = Field(default=0, ge=0, le=100)
    salt: str = Field(default="", pattern=re.compile(r"^[A-Za-z0-9._-]{0,100}$"))
    per_try_seconds: float = Field(default=1.0, gt=0, le=60)
    total_seconds: float = Field(default=3.0, gt=0, le=180)


def routes(surfaces: Mapping[str, SurfaceRoute]) -> dict[str, Any]:
    """The route file: a discovery response whose version is the digest of what it says."""
    table = [
        route
        for surface in sorted(surfaces)
        for protocol in ("grpc", "rest")
        for route in (
            _shadow(check_surface(surface), protocol, surfaces[surface]),
            _split(surface, protocol, surfaces[surface]),
        )
    ]
    resource = {
        "@type": TYPE,
        "name": NAME,
        "validate_clusters": True,
        "metadata": {"filter_metadata": {"nightfill": {name: route.model_dump() for name, route in sorted(surfaces.items())}}},
        "response_headers_to_add": [
            _header(ARM_HEADER, "%CLUSTER_METADATA(nightfill:arm)%"),
            _header(ATTEMPTS_HEADER, "%UPSTREAM_REQUEST_ATTEMPT_COUNT%"),
        ],
        "virtual_hosts": [{"name": NAME, "domains": ["*"], "include_request_attempt_count": True, "routes": table}],
    }
    return {"version_info": version_of(resource), "resources": [resource]}


def version_of(resource: Mapping[str, Any]) -> str:
    """The version of a route table: the digest of what it says, so that a file cannot lie about it."""
    return digest(dict(resource))[:16]


def surfaces_of(file: Mapping[str, Any]) -> dict[str, SurfaceRoute]:
    """What `routes` was made from, read back from the file itself."""
    said = file["resources"][0]["metadata"]["filter_metadata"]["nightfill"]
    return {name: SurfaceRoute.model_validate(value) for name, value in said.items()}


def _header(name: str, value: str) -> dict[str, Any]:
    return {"header": {"key": name, "value": value}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}


def _match(surface: str, protocol: str, arm: dict[str, Any]) -> dict[str, Any]:
    """The surface is in the path over REST; a gRPC body cannot be read here, so a header names it."""
    if protocol == "rest":
        only_post = {"name": ":method", "string_match": {"exact": "POST"}}
        return {"path": f"/v1/models/{surface}:predict", "headers": [only_post, arm]}
    named = {"name": SURFACE_HEADER, "string_match": {"exact": surface}}
    return {"path": GRPC_PATH, "grpc": {}, "headers": [named, arm]}


def _shadow(surface: str, protocol: str, route: SurfaceRoute) -> dict[str, Any]:
    """Reached only by asking for it, and never retried elsewhere: its answer must be its own."""
    return {
        "match": _match(surface, protocol, {"name": ARM_HEADER, "string_match": {"exact": "shadow"}}),
        "route": {"cluster": cluster_name("shadow", protocol), "timeout": _seconds(route.total_seconds)},
    }


def _split(surface: str, protocol: str, route: SurfaceRoute) -> dict[str, Any]:
    """Stable and canary by household. A client cannot choose: any other value of the arm header matches nothing."""
    return {
        "match": _match(surface, protocol, {"name": ARM_HEADER, "present_match": True, "invert_match": True}),
        "route": {
            "inline_cluster_specifier_plugin": {"extension": {"name": "split", "typed_config": _groups(protocol, route)}},
            "hash_policy": [{"header": {"header_name": HOUSEHOLD_HEADER, "regex_rewrite": _salted(route.salt)}}],
            "timeout": _seconds(route.total_seconds),
            "retry_policy": _retries(route),
        },
    }


def _groups(protocol: str, route: SurfaceRoute) -> dict[str, Any]:
    """First try by weight, canary first so that it keeps its households as it grows; every retry goes to stable."""
    weight = round(route.weight * WHOLE / 100)
    stable, canary = cluster_name("stable", protocol), cluster_name("canary", protocol)
    shares = [{"cluster_name": name, "weight": share} for name, share in ((canary, weight), (stable, WHOLE - weight)) if share]
    return {
        "@type": f"type.googleapis.com/{PRIORITY_GROUP}",
        "priority_groups": [
            {"name": "split", "clusters": shares},
            {"name": "fallback", "clusters": [{"cluster_name": stable, "weight": 1}]},
        ],
        "use_hash_policy": True,
    }


def _salted(salt: str) -> dict[str, Any]:
    return {"pattern": {"regex": "^(.*)$"}, "substitution": f"\\1~{salt}"}


def _retries(route: SurfaceRoute) -> dict[str, Any]:
    faults = CANARY_FAULTS if route.weight else FAULTS
    return {
        "retry_on": RETRIED,
        "retriable_headers": [
            {"name": name, "string_match": {"safe_regex": {"regex": codes}}} for name, codes in faults.items()
        ],
        "num_retries": 2,
        "per_try_timeout": _seconds(route.per_try_seconds),
        "refresh_cluster_on_retry": True,
        "retry_back_off": {"base_interval": "0.005s", "max_interval": "0.02s"},
        "retry_host_predicate": [
            {
                "name": "envoy.retry_host_predicates.previous_hosts",
                "typed_config": {"@type": f"type.googleapis.com/{PREVIOUS_HOSTS}"},
            }
        ],
        "host_selection_retry_max_attempts": 3,
    }


def _seconds(value: float) -> str:
    return f"{value:g}s"
