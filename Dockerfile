# restoration-forensics in a container: for a processor, or with --build-arg ACCELERATOR=cuda for a GPU.
#
#   docker build -t restoration-forensics .
#   docker build -t restoration-forensics:cuda --build-arg ACCELERATOR=cuda .
#   docker run --rm --network none -v "$PWD:/data" restoration-forensics audit clip.mp4
#
# Every package is installed by its hash from requirements/core.txt. For ACCELERATOR=cpu there is one
# exception: torch and torchvision come from PyTorch's own builds for processors, in the versions of
# that list, which saves about 4 GB and is not pinned by hash.

FROM python:3.12-slim-bookworm AS base

# The libraries that OpenCV and the PDF need; the same that requirements/bootstrap.py asks for.
RUN apt-get update -q \
    && apt-get install -q -y --no-install-recommends \
        libgl1 \
        libglib2.0-0 \
        libpango-1.0-0 \
        libpangoft2-1.0-0 \
        libharfbuzz-subset0 \
    && rm -rf /var/lib/apt/lists/*

FROM base AS build
ARG ACCELERATOR=cpu
ENV UV_LINK_MODE=copy UV_COMPILE_BYTECODE=1
COPY requirements/ /build/requirements/
WORKDIR /build
RUN pip install --no-cache-dir --require-hashes --no-deps -r requirements/setup.txt \
    && uv venv /opt/forensics
RUN case "$ACCELERATOR" in cpu|cuda) ;; *) echo "ACCELERATOR is cpu or cuda" >&2; exit 2 ;; esac \
    && python requirements/container.py "$ACCELERATOR" > list.txt \
    && uv pip install --python /opt/forensics/bin/python --no-cache --no-deps --require-hashes -r list.txt \
    && if [ "$ACCELERATOR" = cpu ]; then \
        python requirements/container.py cpu-torch > torch.txt \
        && uv pip install --python /opt/forensics/bin/python --no-cache --no-deps \
            --torch-backend cpu -r torch.txt; \
    fi
COPY pyproject.toml README.md LICENSE THIRD_PARTY.md /build/
COPY forensics/ /build/forensics/
COPY templates/ /build/templates/
RUN python -m hatchling build -t wheel -d /build/dist \
    && uv pip install --python /opt/forensics/bin/python --no-cache --no-deps /build/dist/*.whl

FROM base
# Nobody in particular: what strangers send is decoded here.
RUN useradd --create-home --uid 1000 forensics
COPY --from=build /opt/forensics /opt/forensics
ENV PATH=/opt/forensics/bin:$PATH \
    FORENSICS_MODELS_DIR=/models \
    PYTHONDONTWRITEBYTECODE=1
RUN mkdir /models /data && chown forensics /models /data
USER forensics
VOLUME ["/models"]
WORKDIR /data
ENTRYPOINT ["forensics"]
CMD ["--help"]
