"""The library without what Windows does not have: it is taken away in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import ctypes, importlib, mmap, os, pkgutil, sys, tempfile
import ml_dtypes, numpy, rich.console, tomlkit, xxhash

for name in ("pread", "preadv", "pwrite", "posix_fallocate", "fchmod", "fork", "register_at_fork", "statvfs",
             "sched_getaffinity", "sysconf", "getuid", "O_NONBLOCK", "O_CLOEXEC", "O_NOFOLLOW", "O_NOCTTY",
             "O_DIRECTORY", "O_TMPFILE"):
    delattr(os, name)
for name in [name for name in vars(mmap) if name.startswith(("MADV_", "MAP_", "PROT_"))]:
    delattr(mmap, name)
for name in ("fcntl", "resource", "pwd", "grp", "termios", "tty"):
    sys.modules[name] = None  # importing it fails
ctypes.CDLL = None
sys.platform = "win32"

# No open file can be removed or replaced, no folder be opened, and some files remove themselves.
os_open, os_unlink, os_replace = os.open, os.unlink, os.replace
os.O_TEMPORARY = 1 << 40

def held(path):
    links = [f"/proc/self/fd/{number}" for number in os.listdir("/proc/self/fd")]
    return os.path.realpath(path) in [os.path.realpath(link) for link in links if os.path.exists(link)]

def open_(path, flags=0, mode=0o777):
    if os.path.isdir(path):
        raise PermissionError(13, "Permission denied", path)
    descriptor = os_open(path, flags & ~os.O_TEMPORARY, mode)
    if flags & os.O_TEMPORARY:
        os_unlink(path)
    return descriptor

def unlink(path):
    if held(path):
        raise PermissionError(13, "in use", path)
    os_unlink(path)

def replace(source, target):
    if held(source) or held(target):
        raise PermissionError(13, "in use", target)
    os_replace(source, target)

os.open, os.unlink, os.replace = open_, unlink, replace

import apbundle
from apbundle.cli import main
from apbundle.trace.recording import RecordingReader

for module in pkgutil.walk_packages(apbundle.__path__, "apbundle."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)

weight = numpy.ones((1024, 1024), "float32")
for again in range(2):
    builder = apbundle.ModelBundle.builder("models.apbundle").add_model("weight", {"w": weight}, version="1")
    with builder.add_model("text", b"text").add_model("packed", bytes(3_000_000), compress=True).build() as bundle:
        assert bundle.verify().status == "verified"
        assert (bundle.arrays("weight")["w"] == weight).all()
        bundle.save("copy.apbundle")
    for settings in ({}, {"source": "map"}, {"source": "read", "eviction": "lfu", "prefetch": "inline"}):
        with apbundle.ModelBundle.load_paged(
            "models.apbundle", max_memory="5MiB", record="run.aptrace", **settings
        ) as paged:
            for name in ("weight", "text", "weight", "packed"):
                bytes(paged.get_model(name))
        assert paged.stats().hits + paged.stats().misses == 4
        with RecordingReader.open("run.aptrace") as reader:
            assert len(reader.poll()) == reader.count > 4
            assert len(reader.poll()) == 0
            assert reader.status == "ended"
apbundle.PagedBundle("models.apbundle", apbundle.PagingConfig(max_memory="auto")).close()
with apbundle.MappedFile.open("models.apbundle") as mapped:
    assert bytes(mapped.as_slice()[:8]) == b"APBUNDLE"
    mapped.advise_sequential()

for arguments in (["info", "models.apbundle"], ["verify", "models.apbundle"], ["pack", "new.apbundle", "run.aptrace"],
                  ["extract", "models.apbundle", "-o", "out"], ["extract", "models.apbundle", "-o", "out", "--force"]):
    assert main(arguments) == 0, arguments
assert sorted(os.listdir()) == ["copy.apbundle", "models.apbundle", "new.apbundle", "out", "run.aptrace"]
"""


@pytest.mark.skipif(sys.platform != "linux", reason="asks /proc which files are open")
def test_without_what_windows_lacks(tmp_path: Path) -> None:
    command = [sys.executable, "-W", "error", "-c", PROGRAM]
    done = subprocess.run(command, check=False, cwd=tmp_path, capture_output=True, text=True, timeout=50)
    assert done.returncode == 0, done.stderr
