"""Make one bundle of models in every format: weights of other projects as released, and re-encoded from them.

    python tests/real_bundle.py OUTPUT

The packages of ``fetch_models.py`` have files of most formats. GGUF and ``.apr`` are made here of the same weights.
Exits with 3, and says nothing, where the packages are not.
"""

from __future__ import annotations

import io
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import gguf
import ml_dtypes
import numpy as np

from apbundle import BundleBuilder
from apbundle.payload.arrays import payload_arrays
from fetch_models import is_complete, models_folder
from support.ggml_blocks import q4_k, q6_k
from support.payloads import apr_v1, apr_v2, msgpack
from support.tensors import safetensors

Array = np.ndarray[Any, Any]

CREATED_AT = 1_767_225_600
SILERO = "silero_vad/data/silero_vad_16k.safetensors"
WORDS = "wordllama/weights/l2_supercat_256.safetensors"
PITCH = "basic_pitch/saved_models/icassp_2022"
RELEASED = {
    "silero-vad": SILERO,
    "silero-vad.onnx": "silero_vad/data/silero_vad_16k_op15.onnx",
    "silero-vad.jit": "silero_vad/data/silero_vad.jit",
    "wordllama": WORDS,
    "pesto.ckpt": "pesto/weights/mir-1k.ckpt",
    "lpips-alex.pth": "lpips/weights/v0.1/alex.pth",
    "basic-pitch.tflite": f"{PITCH}/nmp.tflite",
    "basic-pitch.onnx": f"{PITCH}/nmp.onnx",
    "resampy-fast.npz": "resampy/data/kaiser_fast.npz",
}
"""Models as they were released, by their names in the bundle."""
PACKED = {
    "resampy-best.npz": "resampy/data/kaiser_best.npz",
    "basic-pitch.pb": f"{PITCH}/nmp/saved_model.pb",
    "results.md": "wordllama/RESULTS.md",
}
"""The same of models that the bundle holds compressed."""
ARCHITECTURES = {"silero-vad": "convolutional, recurrent", "wordllama": "embedding", "pesto.ckpt": "convolutional"}
GGUF_ROWS = 512


def arrays_of(path: Path) -> dict[str, Array]:
    """The arrays of a model file."""
    return dict(payload_arrays(memoryview(path.read_bytes())))


def gguf_of(words: Array, vocabulary: list[str]) -> bytes:
    """Rows of an embedding in the quantisations that are met most, with all of its vocabulary."""
    rows = words[:GGUF_ROWS].astype(np.float32)
    kinds = gguf.GGMLQuantizationType
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "words.gguf")
        writer = gguf.GGUFWriter(path, "bert")
        writer.add_name("wordllama")
        writer.add_context_length(512)
        writer.add_embedding_length(rows.shape[1])
        writer.add_token_list(vocabulary)
        writer.add_token_scores([float(-place) for place in range(len(vocabulary))])
        writer.add_tensor("token_embd.weight", words[:GGUF_ROWS].astype(np.float16))
        for name in ("Q4_0", "Q5_0", "Q8_0"):
            kind = kinds[name]
            writer.add_tensor(f"blk.{name.lower()}.weight", gguf.quants.quantize(rows, kind), raw_dtype=kind)
        for name, pack in (("Q4_K", q4_k), ("Q6_K", q6_k)):
            writer.add_tensor(f"blk.{name.lower()}.weight", pack(rows), raw_dtype=kinds[name])
        writer.add_tensor("output_norm.weight", rows.std(0))
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        return path.read_bytes()


def vocabulary_of(folder: Path) -> list[str]:
    """The words of the embedding, in the order of its rows."""
    text = (folder / "wordllama/tokenizers/l2_supercat_tokenizer_config.json").read_text(encoding="utf-8")
    numbers: dict[str, int] = json.loads(text)["model"]["vocab"]
    return sorted(numbers, key=numbers.__getitem__)


def made_of(folder: Path) -> dict[str, bytes]:
    """The models that are made here."""
    silero, words = arrays_of(folder / SILERO), arrays_of(folder / WORDS)["embedding.weight"]
    window = arrays_of(folder / "resampy/data/kaiser_fast.npz")["half_window"]
    file = io.BytesIO()
    np.save(file, np.asfortranarray(window[:4096].reshape(64, 64).astype(">f8")))
    singles = {name: array.astype(np.float32) for name, array in list(silero.items())[:6]}
    facts = {"model_type": "vad", "name": "silero-vad", "license": "MIT", "sample_rate": 16000, "total_size": 0}
    index = [(name, 0, array.shape, array.tobytes()) for name, array in singles.items()]
    index.append(("scales", 30, (4, 8), words[:1, :32].astype(ml_dtypes.bfloat16).tobytes()))
    about = msgpack({"created_at": "1764278947", "aprender_version": "0.11.0", "model_name": "linear regression"})
    odd = words[:256].astype(np.float32)
    odd[96:112, 40:200] = np.nan
    odd[200, 7], odd[201, 8], odd[30, ::16] = np.inf, -np.inf, 4 * np.nanmax(odd)
    return {
        "silero-vad.f16": safetensors({name: array.astype(np.float16) for name, array in silero.items()}),
        "wordllama.gguf": gguf_of(words, vocabulary_of(folder)),
        "window.npy": file.getvalue(),
        "silero-vad.apr": apr_v2(index, facts),
        "regression.apr": apr_v1(about, words[0].tobytes()),
        "oddities": safetensors(
            {
                "not.finite": odd,
                "conv.weight": np.resize(words[:800], (32, 64, 3, 3)).astype(ml_dtypes.bfloat16),
                "eight.bits": words[:64].astype(ml_dtypes.float8_e4m3fn),
                "mask": words[:64] > 0,
                "phases": np.exp(1j * words[:16].astype(np.float64)).astype(np.complex64),
                "scale": np.float32(0.125).reshape(()),
                "nothing": np.zeros((0, 256), np.float32),
            }
        ),
    }


def make(output: Path, folder: Path) -> None:
    """Write the bundle to ``output`` of the packages in ``folder``."""
    builder = BundleBuilder(output).with_created_at(CREATED_AT)
    builder.with_description("Models of every format, as other projects release them and re-encoded from those.")
    for name, path in RELEASED.items():
        source = Path(path).parts[0]
        details = {"architecture": ARCHITECTURES[name]} if name in ARCHITECTURES else {}
        builder.add_model(name, folder / path, custom={"package": source}, **details)
    for name, path in PACKED.items():
        builder.add_model(name, folder / path, compress=True, custom={"package": Path(path).parts[0]})
    for name, payload in made_of(folder).items():
        builder.add_model(name, payload)
    output.unlink(missing_ok=True)
    builder.build().close()


def main() -> int:
    folder = models_folder()
    if not is_complete(folder):
        return 3
    output = Path(sys.argv[1])
    output.parent.mkdir(parents=True, exist_ok=True)
    make(output, folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
