"""What PyTorch's types are called here, and which imports of a checkpoint are the usual ones."""

from __future__ import annotations

from apbundle.payload.pickles.nodes import Global

STORAGES = {
    "FloatStorage": "F32",
    "HalfStorage": "F16",
    "BFloat16Storage": "BF16",
    "DoubleStorage": "F64",
    "LongStorage": "I64",
    "IntStorage": "I32",
    "ShortStorage": "I16",
    "CharStorage": "I8",
    "ByteStorage": "U8",
    "BoolStorage": "BOOL",
    "ComplexFloatStorage": "C64",
    "ComplexDoubleStorage": "C128",
    "QInt8Storage": "I8",
    "QUInt8Storage": "U8",
    "QInt32Storage": "I32",
    "UntypedStorage": "U8",
}
"""Type of a storage → its element type. Quantised ones keep integers; an untyped one counts bytes."""

DTYPES = {
    "float64": "F64",
    "float32": "F32",
    "float16": "F16",
    "bfloat16": "BF16",
    "float8_e4m3fn": "F8_E4M3",
    "float8_e4m3fnuz": "F8_E4M3FNUZ",
    "float8_e5m2": "F8_E5M2",
    "float8_e5m2fnuz": "F8_E5M2FNUZ",
    "float8_e8m0fnu": "F8_E8M0",
    "int64": "I64",
    "int32": "I32",
    "int16": "I16",
    "int8": "I8",
    "uint64": "U64",
    "uint32": "U32",
    "uint16": "U16",
    "uint8": "U8",
    "bool": "BOOL",
    "complex64": "C64",
    "complex128": "C128",
    "qint8": "I8",
    "quint8": "U8",
    "qint32": "I32",
}
"""Name of an element type in ``torch`` → the common name."""

_BUILTINS = "bool bytearray complex dict float frozenset int list object range set slice str tuple"
_MULTIARRAY = "_reconstruct scalar"
_USUAL = {
    "collections": "OrderedDict Counter defaultdict deque",
    "builtins": _BUILTINS,
    "__builtin__": f"{_BUILTINS} long unicode",
    "_codecs": "encode",
    "copyreg": "_reconstructor",
    "copy_reg": "_reconstructor",
    "numpy": "dtype ndarray",
    "numpy.core.multiarray": _MULTIARRAY,
    "numpy._core.multiarray": _MULTIARRAY,
    "numpy.core.numeric": "_frombuffer",
    "numpy._core.numeric": "_frombuffer",
    "torch": f"Size Tensor device {' '.join(STORAGES)} {' '.join(DTYPES)} strided sparse_coo sparse_csr sparse_csc "
    "sparse_bsr sparse_bsc per_tensor_affine per_tensor_symmetric per_channel_affine per_channel_symmetric "
    "per_channel_affine_float_qparams contiguous_format preserve_format channels_last channels_last_3d",
    "torch.cuda": " ".join(STORAGES),
    "torch.storage": "TypedStorage UntypedStorage",
    "torch.nn.parameter": "Buffer Parameter",
    "torch.serialization": "_get_layout",
    "torch._tensor": "_rebuild_from_type_v2",
    "torch._utils": "_rebuild_tensor _rebuild_tensor_v2 _rebuild_tensor_v3 _rebuild_parameter "
    "_rebuild_parameter_with_state _rebuild_qtensor _rebuild_sparse_tensor _rebuild_meta_tensor_no_storage "
    "_rebuild_device_tensor_from_cpu_tensor _rebuild_device_tensor_from_numpy _rebuild_xla_tensor",
    "torch.jit._pickle": "build_boollist build_doublelist build_intlist build_tensorlist restore_type_tag",
}
_USUAL_NAMES = {module: frozenset(names.split()) for module, names in _USUAL.items()}
_COMPILED = ("__torch__", "__torch__.")

_POWERFUL = (
    "os posix nt ntpath posixpath sys subprocess shutil socket runpy importlib imp pty code codeop timeit pdb bdb "
    "ctypes cffi operator functools types builtins __builtin__ io pickle _pickle cPickle cloudpickle dill marshal "
    "commands popen2 platform webbrowser urllib urllib2 requests http httplib ftplib smtplib asyncio multiprocessing "
    "threading signal tempfile pathlib glob zipfile tarfile sqlite3 pip ensurepip venv pydoc doctest cProfile profile "
    "trace inspect site linecache"
)
_POWERFUL_MODULES = frozenset(_POWERFUL.split())


def is_usual(found: Global, *, compiled: bool) -> bool:
    """Whether tensors and plain containers need this import.

    Parameters
    ----------
    compiled
        Whether the pickle is part of a TorchScript archive: its classes are then defined by code in the archive.
    """
    if compiled and (found.module == _COMPILED[0] or found.module.startswith(_COMPILED[1])):
        return True
    return found.name in _USUAL_NAMES.get(found.module, ())


def is_powerful(found: Global) -> bool:
    """Whether an unusual import comes from a module with which anything can be done: files, programs, networks."""
    return found.module.partition(".")[0] in _POWERFUL_MODULES or found.label == "torch.storage._load_from_bytes"
