# The GraphQL service. No torch and no Dagster in it.
FROM python:3.12-slim
WORKDIR /app
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY medsearch_core medsearch_core
COPY medsearch_api medsearch_api
RUN pip install --no-cache-dir -c constraints.txt '.[api]'
RUN useradd --system medsearch
USER medsearch
EXPOSE 8000
CMD ["medsearch-api"]
