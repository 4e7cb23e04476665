"""Make Airflow's first user `admin`, with the password of AIRFLOW_ADMIN_PASSWORD: an init job of docker-compose.yaml.

`airflow users create` takes a password only as an argument, which every process list shows.
"""

import os

from airflow.providers.fab.auth_manager.cli_commands.utils import get_application_builder


def main() -> None:
    """Create the user; one that is there already keeps its password."""
    with get_application_builder() as builder:
        users = builder.sm
        if users.find_user("admin"):
            print("The user admin is there")
            return
        role = users.find_role("Admin")
        if not users.add_user("admin", "Night", "Crew", "admin@localhost", role, os.environ["AIRFLOW_ADMIN_PASSWORD"]):
            raise SystemExit("The user admin could not be made; the lines above say why")
        print("Made the user admin")


if __name__ == "__main__":
    main()
