# The app as a read-only public server. Not run where it was written; docs/deploy.md says what was.
FROM python:3.12-slim AS build

# Address of PyTorch's wheels for CPUs: make image passes the one in the Makefile.
ARG TORCH_CPU
WORKDIR /opt/gnl
COPY requirements.lock requirements.txt ./
RUN python -m venv /opt/venv
# The CPU wheels have other hashes than those in the lock, and need none of the packages for CUDA.
RUN grep -oE '^torch(vision)?==[0-9.]+' requirements.lock > torch.txt \
    && /opt/venv/bin/pip install --no-cache-dir --no-deps --index-url "$TORCH_CPU" -r torch.txt
RUN python - <<'SCRIPT'
import re
from pathlib import Path

entries = re.split(r"^(?=\S)", Path("requirements.lock").read_text(), flags=re.MULTILINE)
absent = re.compile(r"(torch|torchvision|triton|nvidia-|cuda-)")
Path("rest.lock").write_text("".join(entry for entry in entries if not absent.match(entry)))
SCRIPT
RUN /opt/venv/bin/pip install --no-cache-dir --require-hashes --no-deps -r rest.lock
COPY pyproject.toml README.md LICENSE ./
COPY gnl_core gnl_core
COPY app app
COPY assets assets
RUN /opt/venv/bin/pip install --no-cache-dir --no-deps -e .

FROM python:3.12-slim
RUN useradd --system --uid 10001 --no-create-home gnl
COPY --from=build /opt/venv /opt/venv
COPY --from=build /opt/gnl /opt/gnl
WORKDIR /opt/gnl
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    HOME=/tmp \
    MPLCONFIGDIR=/tmp \
    GNL_MODE=public \
    GNL_RUNS=/runs \
    STREAMLIT_SERVER_ADDRESS=0.0.0.0 \
    STREAMLIT_SERVER_HEADLESS=true
USER 10001
VOLUME /runs
EXPOSE 8501
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8501/_stcore/health', timeout=4)"]
# Run it with a read-only root: docker run --read-only --tmpfs /tmp …
CMD ["streamlit", "run", "app/serve.py", "--server.port", "8501"]
