# Dagster's webserver, daemon and runs.
FROM python:3.12-slim
WORKDIR /app
COPY pyproject.toml constraints.txt README.md LICENSE workspace.yaml ./
COPY medsearch_core medsearch_core
COPY medsearch_pipeline medsearch_pipeline
RUN pip install --no-cache-dir -c constraints.txt '.[pipeline]'
RUN useradd --system --create-home medsearch && mkdir -p /dagster && chown medsearch /dagster
COPY docker/dagster.yaml /dagster/dagster.yaml
ENV DAGSTER_HOME=/dagster DAGSTER_EVENT_BATCH_SIZE=1000
USER medsearch
EXPOSE 3000
CMD ["dagster-webserver", "-h", "0.0.0.0", "-p", "3000", "-w", "workspace.yaml"]
