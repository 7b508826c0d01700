# Two images, for production only:
#   docker build -t genspark2api .                           the server (the last stage)
#   docker build -t genspark2api-sidecar --target sidecar .  the reCAPTCHA sidecar, with a browser
# Without a credential the server refuses to start, it never falls into the demo. Both listen on all
# addresses, so the server wants API_SECRET (or ALLOW_ANONYMOUS=1) and the sidecar SIDECAR_SECRET.

FROM python:3.13-slim AS tools
ENV PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_ROOT_USER_ACTION=ignore \
    UV_NO_CACHE=1
WORKDIR /build
# Every package is checked against the hashes of the lock files.
COPY requirements-setup.lock ./
RUN pip install --no-cache-dir --require-hashes -r requirements-setup.lock \
    && python -m venv --without-pip /opt/genspark2api

FROM tools AS wheel
COPY pyproject.toml README.md LICENSE ./
COPY proxy proxy
COPY genspark_emulator genspark_emulator
COPY recaptcha_sidecar recaptcha_sidecar
RUN pip wheel --no-cache-dir --no-deps --no-build-isolation --wheel-dir dist .

FROM tools AS server-packages
COPY requirements-runtime.lock ./
RUN uv pip install --python /opt/genspark2api/bin/python --compile-bytecode \
        --require-hashes -r requirements-runtime.lock
COPY --from=wheel /build/dist dist
RUN uv pip install --python /opt/genspark2api/bin/python --compile-bytecode --no-deps dist/*.whl

FROM tools AS sidecar-packages
COPY requirements-sidecar.lock ./
RUN uv pip install --python /opt/genspark2api/bin/python --compile-bytecode \
        --require-hashes -r requirements-sidecar.lock
COPY --from=wheel /build/dist dist
RUN uv pip install --python /opt/genspark2api/bin/python --compile-bytecode --no-deps dist/*.whl

FROM python:3.13-slim AS sidecar
LABEL org.opencontainers.image.title="genspark2api-sidecar" \
      org.opencontainers.image.description="reCAPTCHA sidecar of genspark2api: a plain browser" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.licenses="MIT"
# A pinned browser would be one that gets no security fixes.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends chromium \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --user-group --no-create-home --home-dir /nonexistent \
        --shell /usr/sbin/nologin genspark2api
COPY --from=sidecar-packages /opt/genspark2api /opt/genspark2api
# What the browser keeps while it runs goes to /tmp, shared memory included.
ENV PATH=/opt/genspark2api/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    HOST=0.0.0.0 \
    PORT=7022 \
    HOME=/tmp \
    CHROMIUM_PATH=/usr/bin/chromium
USER 10001:10001
EXPOSE 7022
# Running mints may finish for DRAIN_SECONDS (20): give `docker stop` more time than its 10 s.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import http.client, os, sys; c = http.client.HTTPConnection('127.0.0.1', int(os.environ['PORT']), timeout=4); c.request('GET', '/healthz'); sys.exit(c.getresponse().status != 200)"]
ENTRYPOINT ["genspark2api-sidecar"]

FROM python:3.13-slim
LABEL org.opencontainers.image.title="genspark2api" \
      org.opencontainers.image.description="OpenAI-compatible server in front of Genspark" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.licenses="MIT"
# A named volume takes over owner and mode of the directory it is first mounted on.
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /nonexistent \
        --shell /usr/sbin/nologin genspark2api \
    && install --directory --owner=genspark2api --group=genspark2api --mode=0700 /data
COPY --from=server-packages /opt/genspark2api /opt/genspark2api
ENV PATH=/opt/genspark2api/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    HOST=0.0.0.0 \
    PORT=7055 \
    DATA_DIR=/data
USER 10001:10001
WORKDIR /data
VOLUME ["/data"]
EXPOSE 7055
# Running answers may finish for DRAIN_SECONDS (30): give `docker stop` more time than its 10 s.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import http.client, os, sys; c = http.client.HTTPConnection('127.0.0.1', int(os.environ['PORT']), timeout=4); c.request('GET', '/healthz'); sys.exit(c.getresponse().status != 200)"]
ENTRYPOINT ["genspark2api"]
CMD ["serve"]
