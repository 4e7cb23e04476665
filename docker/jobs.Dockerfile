# What runs tasks and jobs: the Celery workers, Spark's master and worker, the init jobs. One image, so that a driver and
# its executors agree on Spark, Java, Python and packages.
# Build: docker build -f docker/jobs.Dockerfile --build-arg FLAVOUR=cpu -t nightfill/jobs:0.1.0-cpu .
# FLAVOUR=gpu adds CUDA from docker/requirements-gpu.txt; the host needs the NVIDIA driver and container toolkit.
ARG FLAVOUR=cpu

FROM python:3.11.17-slim-bookworm AS jars
# Spark reads s3a:// with these three, which belong together and to Spark's Hadoop. Maven checks what it fetches against
# the repository; sha1sum checks it against what was written down here.
RUN apt-get update \
 && apt-get install -y --no-install-recommends maven openjdk-17-jre-headless \
 && rm -rf /var/lib/apt/lists/*
COPY docker/jars.sha1 /build/jars.sha1
WORKDIR /jars
RUN for artifact in org.apache.hadoop:hadoop-aws:3.5.0 \
                    software.amazon.awssdk:bundle:2.35.4 \
                    software.amazon.s3.analyticsaccelerator:analyticsaccelerator-s3:1.3.1; do \
      mvn --batch-mode --quiet dependency:copy -Dartifact="$artifact" -DoutputDirectory=/jars || exit 1; \
    done \
 && sha1sum --check --strict /build/jars.sha1

FROM python:3.11.17-slim-bookworm AS wheels
ARG FLAVOUR
COPY requirements.txt docker/requirements-production.txt docker/requirements-gpu.txt /build/
RUN python -m venv /opt/venv \
 && /opt/venv/bin/pip install --no-cache-dir --disable-pip-version-check \
        -r /build/requirements.txt -r /build/requirements-production.txt \
 && case "$FLAVOUR" in \
      cpu) ;; \
      gpu) /opt/venv/bin/pip install --no-cache-dir --disable-pip-version-check \
               -c /build/requirements.txt -r /build/requirements-gpu.txt ;; \
      *) echo "FLAVOUR is '$FLAVOUR': choose cpu or gpu" >&2; exit 1 ;; \
    esac \
 && /opt/venv/bin/pip check
COPY --from=jars /jars/ /opt/venv/lib/python3.11/site-packages/pyspark/jars/

FROM python:3.11.17-slim-bookworm
RUN apt-get update \
 && apt-get install -y --no-install-recommends openjdk-17-jre-headless procps tini \
 && rm -rf /var/lib/apt/lists/*
RUN groupadd --gid 10001 nightfill \
 && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin nightfill \
 && for name in stable-a stable-b canary shadow sandbox gateway; do \
      install -d -o nightfill -g nightfill "/var/lib/nightfill/serving/$name"; \
    done \
 && install -d -o nightfill -g nightfill /opt/airflow /opt/airflow/logs /var/lib/nightfill /var/lib/nightfill/serving \
        /var/lib/nightfill/logs
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
    JAVA_HOME=/usr/lib/jvm/java-17-openjdk-amd64 \
    SPARK_HOME=/opt/venv/lib/python3.11/site-packages/pyspark \
    AIRFLOW_HOME=/opt/airflow \
    HOME=/tmp
WORKDIR /opt/nightfill
USER 10001:10001
ENTRYPOINT ["tini", "--"]
CMD ["airflow", "version"]
