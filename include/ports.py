"""Ports by name, as offsets from one base. Standard library only: they are checked before anything is installed."""

DEFAULT_BASE = 18500

PORTS = {
    "gateway": 0,
    "gateway_admin": 1,
    "airflow": 3,
    "spark": 4,
    "stable-a.grpc": 10,
    "stable-a.rest": 11,
    "stable-b.grpc": 12,
    "stable-b.rest": 13,
    "canary.grpc": 14,
    "canary.rest": 15,
    "shadow.grpc": 16,
    "shadow.rest": 17,
    "sandbox.grpc": 18,
    "sandbox.rest": 19,
}
