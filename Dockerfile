# One image for every process: the gateway by default, backends by `python -m services serve …`.
FROM python:3.13-slim AS packages
WORKDIR /build
COPY requirements.lock .
RUN python -m venv /venv \
    && /venv/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes --no-deps -r requirements.lock

FROM python:3.13-slim
RUN useradd --system --uid 10001 --home-dir /app atrium \
    && install --directory --owner=10001 /var/lib/atrium
WORKDIR /app
COPY --from=packages /venv /venv
COPY gateway/ gateway/
COPY loaders/ loaders/
COPY schema/ schema/
COPY services/ services/
RUN /venv/bin/python -m compileall -q .
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 ATRIUM_HOST=0.0.0.0 ATRIUM_PORT=8000 ATRIUM_DATA=/var/lib/atrium
USER 10001
VOLUME /var/lib/atrium
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen(f\"http://127.0.0.1:{os.environ['ATRIUM_PORT']}/livez\", timeout=2)"]
CMD ["python", "-m", "gateway", "run"]
