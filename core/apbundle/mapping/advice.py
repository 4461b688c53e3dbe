"""``madvise`` without the interpreter lock, and what kind of file system a file is on.

``mmap.madvise`` keeps every other thread waiting while the disk works; a foreign call lets them run.
"""

from __future__ import annotations

import ctypes
import errno
import functools
import mmap
import os
import sys
from typing import Final

PAGE: Final = mmap.PAGESIZE
DONTNEED: Final = 4
POPULATE_READ: Final = 22
"""Map pages, reading what is not in memory; a fault is an error code here, not a signal. Since Linux 5.14."""

_STATFS_SIZE: Final = 512  # no system's ``struct statfs`` is larger
_REMOTE: Final = frozenset(
    {
        0x6969,  # NFS
        0x517B,  # SMB
        0xFE534D42,  # SMB 2
        0xFF534D42,  # CIFS
        0x65735546,  # FUSE: may be remote, may be anything
        0x01021997,  # 9P
        0x00C36400,  # Ceph
        0x5346414F,  # AFS
        0x73757245,  # Coda
        0x0BD00BD0,  # Lustre
        0x01161970,  # GFS2
        0x7461636F,  # OCFS2
        0x786F4256,  # VirtualBox shared folders
    }
)
"""File systems whose files change, or vanish, without this kernel knowing."""


class _Buffer(ctypes.Structure):
    """The interpreter's description of an object's memory (``Py_buffer``)."""

    _fields_ = (
        ("address", ctypes.c_void_p),
        ("owner", ctypes.c_void_p),
        ("size", ctypes.c_ssize_t),
        ("itemsize", ctypes.c_ssize_t),
        ("readonly", ctypes.c_int),
        ("ndim", ctypes.c_int),
        ("format", ctypes.c_char_p),
        ("shape", ctypes.c_void_p),
        ("strides", ctypes.c_void_p),
        ("suboffsets", ctypes.c_void_p),
        ("internal", ctypes.c_void_p),
    )


def address_of(memory: mmap.mmap) -> int:
    """Where a map lies; true as long as the object lives and is not closed."""
    buffer = _Buffer()
    ctypes.pythonapi.PyObject_GetBuffer(ctypes.py_object(memory), ctypes.byref(buffer), 0)
    address = int(buffer.address)
    ctypes.pythonapi.PyBuffer_Release(ctypes.byref(buffer))
    return address


def advise(address: int, size: int, advice: int) -> None:
    """``madvise`` for ``size`` bytes from a page's ``address``; other threads run meanwhile.

    Raises
    ------
    OSError
        With the kernel's number; ``EINVAL`` on Windows, which takes no advice. Interruptions are taken up again.
    """
    if sys.platform == "win32":
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
    libc = _libc()
    while libc.madvise(address, size, advice) != 0:
        number = ctypes.get_errno()
        if number != errno.EINTR:
            raise OSError(number, os.strerror(number))


def is_local(descriptor: int) -> bool:
    """Whether this is Linux and the open file lies on a file system of this machine."""
    if sys.platform != "linux":
        return False
    status = ctypes.create_string_buffer(_STATFS_SIZE)
    try:
        failed = _libc().fstatfs(descriptor, status) != 0
    except (OSError, AttributeError):
        return False
    kind = ctypes.c_long.from_buffer(status).value & 0xFFFFFFFF  # the first field
    return not failed and kind not in _REMOTE


@functools.cache
def _libc() -> ctypes.CDLL:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.madvise.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
    libc.fstatfs.argtypes = (ctypes.c_int, ctypes.c_char_p)
    return libc
