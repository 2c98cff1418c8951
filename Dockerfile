# simpleflow in an image of its own: an image with your workflows is built from it (docs/how-to/deploy.md).

FROM python:3.13-slim AS build
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY simpleflow ./simpleflow
COPY swf ./swf
RUN python -m venv /opt/simpleflow && /opt/simpleflow/bin/pip install --no-cache-dir .

FROM python:3.13-slim
RUN useradd --uid 10001 --create-home simpleflow && install -d -o simpleflow -g simpleflow /app /data
COPY --from=build /opt/simpleflow /opt/simpleflow
ENV PATH=/opt/simpleflow/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 XDG_DATA_HOME=/data
USER 10001:10001
WORKDIR /app
VOLUME /data
EXPOSE 8080
# Of decider.start and worker.start with --health-port 8080.
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8080/healthz', timeout=4)"]
ENTRYPOINT ["simpleflow"]
CMD ["--help"]
