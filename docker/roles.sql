-- The role and the database of Airflow. Safe to run again: the password becomes the one of .env.
-- psql takes the password from the environment, so that no command line shows it.
\set ON_ERROR_STOP on
\getenv password AIRFLOW_DB_PASSWORD
SELECT 'CREATE ROLE airflow LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE'
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'airflow') \gexec
ALTER ROLE airflow PASSWORD :'password';
SELECT 'CREATE DATABASE airflow OWNER airflow'
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'airflow') \gexec
REVOKE ALL ON DATABASE airflow FROM PUBLIC;
