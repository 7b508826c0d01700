# genspark2api in a container. Production only: without a credential it refuses to start, it never
# falls into the demo. It listens on all addresses, so it also wants API_SECRET (or ALLOW_ANONYMOUS=1).

FROM python:3.13-slim AS build
ENV PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_ROOT_USER_ACTION=ignore \
    UV_NO_CACHE=1
WORKDIR /build
# Every package is checked against the hashes of the lock files.
COPY requirements-setup.lock requirements-runtime.lock ./
RUN pip install --no-cache-dir --require-hashes -r requirements-setup.lock \
    && python -m venv --without-pip /opt/genspark2api \
    && uv pip install --python /opt/genspark2api/bin/python --compile-bytecode \
        --require-hashes -r requirements-runtime.lock
COPY pyproject.toml README.md LICENSE ./
COPY proxy proxy
COPY genspark_emulator genspark_emulator
RUN pip wheel --no-cache-dir --no-deps --no-build-isolation --wheel-dir dist . \
    && uv pip install --python /opt/genspark2api/bin/python --compile-bytecode --no-deps dist/*.whl

FROM python:3.13-slim
LABEL org.opencontainers.image.title="genspark2api" \
      org.opencontainers.image.description="OpenAI-compatible server in front of Genspark" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.licenses="MIT"
# A named volume takes over owner and mode of the directory it is first mounted on.
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /nonexistent \
        --shell /usr/sbin/nologin genspark2api \
    && install --directory --owner=genspark2api --group=genspark2api --mode=0700 /data
COPY --from=build /opt/genspark2api /opt/genspark2api
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
