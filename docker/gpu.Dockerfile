# The pipeline with torch, for the embedding step and `medsearch embedder`. Uses a GPU if there is one, else the CPU.
ARG BASE=python:3.11.14-slim-bookworm

# The pipeline's dependencies, installed and compiled. Rebuilt only when one of the copied files changes.
FROM ${BASE} AS packages
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/packages
WORKDIR /build
COPY pyproject.toml constraints.txt README.md LICENSE ./
# OpenVINO sends telemetry for every import and conversion unless its telemetry package is missing.
RUN --mount=type=secret,id=pip,target=/etc/pip.conf \
    /opt/packages/bin/pip install -c constraints.txt '.[pipeline,embedding,openvino]' \
    && /opt/packages/bin/pip uninstall -y medsearch openvino-telemetry

FROM packages AS code
COPY medsearch_core medsearch_core
COPY medsearch_pipeline medsearch_pipeline
RUN --mount=type=secret,id=pip,target=/etc/pip.conf \
    /opt/packages/bin/pip install --no-deps --target /opt/code .

FROM ${BASE}
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="medsearch-gpu" \
      org.opencontainers.image.description="Ingestion of radiographs and reports: Dagster and the models, for CPUs and NVIDIA GPUs" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
RUN groupadd --gid 10001 medsearch && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /tmp medsearch
COPY --from=packages /opt/packages /opt/packages
COPY --from=code /opt/code /opt/code
COPY docker/healthy.py docker/workspace.yaml /opt/medsearch/
COPY docker/dagster*.yaml /opt/medsearch/
ENV PATH=/opt/code/bin:/opt/packages/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONPATH=/opt/code PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 \
    DAGSTER_HOME=/opt/medsearch/dagster DAGSTER_EVENT_BATCH_SIZE=1000 \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility \
    TORCH_HOME=/opt/medsearch/models MEDSEARCH_MODEL_CACHE=/opt/medsearch/models/converted
WORKDIR /opt/medsearch
# DAGSTER_HOME is one folder per instance: dagster here, ecs on Amazon ECS.
RUN mkdir -p dagster/storage ecs models && chown 10001:10001 dagster/storage models \
    && ln -s ../dagster.yaml dagster/dagster.yaml && ln -s ../dagster.ecs.yaml ecs/dagster.yaml
# Runs write their logs to the second, weights and converted models are kept in the third; everything else may be read-only.
VOLUME ["/tmp", "/opt/medsearch/dagster/storage", "/opt/medsearch/models"]
USER 10001:10001
EXPOSE 4000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=10s --start-period=120s --retries=4 \
    CMD ["dagster", "api", "grpc-health-check", "--port", "4000"]
CMD ["dagster", "api", "grpc", "--host", "0.0.0.0", "--port", "4000", "--module-name", "medsearch_pipeline.definitions"]
