# Airflow's own processes: API server, scheduler, DAG processor, triggerer. They import the light rooms only, so neither
# TensorFlow nor Spark is in here; versions are those of requirements.txt all the same.
# Build: docker build -f docker/airflow.Dockerfile -t nightfill/airflow:0.1.0 .
FROM python:3.11.17-slim-bookworm AS wheels
COPY requirements.txt docker/requirements-production.txt /build/
# What the light rooms, the DAGs and the plugins import; everything else of requirements.txt only bounds versions.
RUN python -m venv /opt/venv \
 && /opt/venv/bin/pip install --no-cache-dir --disable-pip-version-check \
        -c /build/requirements.txt -r /build/requirements-production.txt \
        apache-airflow boto3 grpcio numpy protobuf psutil pydantic pyyaml \
 && /opt/venv/bin/pip check

FROM python:3.11.17-slim-bookworm
RUN groupadd --gid 10001 nightfill \
 && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin nightfill \
 && install -d -o nightfill -g nightfill /opt/airflow /opt/airflow/logs /var/lib/nightfill \
        /var/lib/nightfill/serving /var/lib/nightfill/logs
COPY --from=wheels /opt/venv /opt/venv
COPY dags /opt/nightfill/dags
COPY plugins /opt/nightfill/plugins
COPY include /opt/nightfill/include
COPY config /opt/nightfill/config
COPY docker /opt/nightfill/docker
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONPATH=/opt/nightfill:/opt/nightfill/plugins:/opt/nightfill/config \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    AIRFLOW_HOME=/opt/airflow \
    HOME=/tmp
WORKDIR /opt/nightfill
USER 10001:10001
CMD ["airflow", "version"]
