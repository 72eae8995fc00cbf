# The service: GraphQL, images, DICOMweb and the page. Without Dagster and torch.
ARG BASE=python:3.11.14-slim-bookworm

# The service's dependencies, installed and compiled. Rebuilt only when one of the copied files changes.
FROM ${BASE} AS packages
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/packages
WORKDIR /build
COPY pyproject.toml constraints.txt README.md LICENSE ./
RUN --mount=type=secret,id=pip,target=/etc/pip.conf \
    /opt/packages/bin/pip install -c constraints.txt '.[api]' \
    && /opt/packages/bin/pip uninstall -y medsearch

FROM packages AS code
COPY medsearch_core medsearch_core
COPY medsearch_api medsearch_api
RUN --mount=type=secret,id=pip,target=/etc/pip.conf \
    /opt/packages/bin/pip install --no-deps --target /opt/code .

FROM ${BASE}
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="medsearch-api" \
      org.opencontainers.image.description="Search over radiographs and reports: GraphQL, DICOMweb and the page" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
RUN groupadd --gid 10001 medsearch && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /tmp medsearch
COPY --from=packages /opt/packages /opt/packages
COPY --from=code /opt/code /opt/code
COPY docker/healthy.py /opt/medsearch/
ENV PATH=/opt/code/bin:/opt/packages/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONPATH=/opt/code PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 \
    MEDSEARCH_API_HOST=0.0.0.0
WORKDIR /opt/medsearch
# Everything else may be read-only.
VOLUME /tmp
USER 10001:10001
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 CMD ["python", "healthy.py", "8000", "/healthz"]
CMD ["medsearch-api"]
