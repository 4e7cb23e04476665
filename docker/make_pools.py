"""Make the pools that the DAGs name: an init job of docker-compose.yaml."""

from airflow.models.pool import Pool

from include.cli.airflow_stack import POOLS


def main() -> None:
    """Make what is missing; a pool that is there keeps its size, for a person may have chosen it."""
    for name, (slots, description) in POOLS.items():
        if Pool.get_pool(name) is None:
            Pool.create_or_update_pool(name, slots, description, include_deferred=False)
            print(f"Made the pool {name}")


if __name__ == "__main__":
    main()
