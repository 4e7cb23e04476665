#!/bin/sh
# The metadata database, the pools and the first user. Safe to run at every start.
set -eu
airflow db migrate
airflow fab-db migrate
airflow sync-perm
python -m docker.make_pools
python -m docker.first_admin
