"""The extension block: metadata, digests, compression, binding and alignment, where version 1 readers do not look."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import pairwise
from typing import Any, NoReturn

from apbundle.errors import bundle_error
from apbundle.format import layout
from apbundle.format.checks import first_unaligned
from apbundle.format.manifest import BundleManifest, Detail
from apbundle.format.metadata import MetadataFault, pack_metadata, parse_metadata
from apbundle.format.model import DIGEST_ALGORITHMS, Compression, DigestTable, ModelMetadata


@dataclass(frozen=True, slots=True)
class Section:
    """One section of the block: where its payload stands, counted from the start of the file, and its bytes.

    A known section that was read shares the bytes of the block.
    """

    tag: int
    flags: int
    offset: int
    payload: bytes | memoryview

    @property
    def critical(self) -> bool:
        """Whether a reader that does not know the section must refuse the models."""
        return bool(self.flags & layout.CRITICAL_FLAG)


@dataclass(frozen=True, slots=True)
class Binding:
    """What ties the block to its bundle: a SHA-256 over header and entries, and the length of the data part."""

    sha256: bytes
    data_length: int


@dataclass(frozen=True, slots=True)
class Extension:
    """All that a block says. Empty fields mean that it says nothing of the kind.

    ``models`` maps names to metadata; ``digests`` has one digest a model in entry order; ``compression`` maps entry
    indices to tables. ``unknown`` keeps sections of other writers, ``extra`` unknown keys of the metadata.
    """

    bundle_metadata: dict[str, str] = field(default_factory=dict)
    models: dict[str, ModelMetadata] = field(default_factory=dict)
    digests: DigestTable | None = None
    compression: dict[int, Compression] = field(default_factory=dict)
    binding: Binding | None = None
    alignment: int | None = None
    unknown: tuple[Section, ...] = ()
    extra: dict[str, Any] = field(default_factory=dict)

    def detail(self, name: str, index: int) -> Detail:
        """What the block says of the model ``name``, the one at ``index``."""
        digest = None if self.digests is None else self.digests[index]
        return self.models.get(name, _NOT_DESCRIBED), digest, self.compression.get(index)


_NOT_DESCRIBED = ModelMetadata()


def binding_hash(header: bytes, manifest: bytes | memoryview) -> bytes:
    """SHA-256 over the 20-byte header and the manifest up to the end of its last entry."""
    hasher = sha256(header)
    hasher.update(manifest)
    return hasher.digest()


def block_length(data: memoryview, path: str, base: int) -> int:
    """The length of the block at the start of ``data``, held against what remains (``bad_extension``)."""
    if len(data) < layout.EXTENSION_HEAD.size:
        _fail("bad_extension", "The extension ends inside its head.", path, base)
    length = int(layout.EXTENSION_HEAD.unpack_from(data)[3])
    if not layout.EXTENSION_HEAD.size <= length <= len(data):
        _fail("bad_extension", f"The extension claims {length} bytes; {len(data)} remain.", path, base + 16)
    return length


def read_sections(block: memoryview, path: str, base: int) -> list[Section]:
    """The sections of ``block``, the whole block at ``base`` of the file ``path``.

    Raises
    ------
    ExtensionDamaged, UnsupportedFeature
        The CRC is wrong, the block version or a critical section is unknown, or the sections do not fill the block.
    """
    _, version, count, _, crc, reserved = layout.EXTENSION_HEAD.unpack_from(block)
    at = layout.EXTENSION_CRC_OFFSET
    if zlib.crc32(block[at + 4 :], zlib.crc32(bytes(4), zlib.crc32(block[:at]))) != crc:
        _fail("extension_checksum", "The extension's checksum does not match its bytes.", path, base + at)
    if version != layout.EXTENSION_VERSION:
        _fail("unsupported_feature", f"The extension has version {version}; 1 is known.", path, base + 8)
    if reserved:
        _fail("bad_extension", "A reserved field of the extension is not zero.", path, base + at + 4)
    at = layout.EXTENSION_HEAD.size
    if count * layout.SECTION_HEAD.size > len(block) - at:
        _fail(
            "bad_extension", f"{count} sections take more than the {len(block) - at} bytes there are.", path, base + 12
        )
    sections: dict[int, Section] = {}
    for _ in range(count):
        if len(block) - at < layout.SECTION_HEAD.size:
            _fail("bad_extension", "The extension ends inside the head of a section.", path, base + at)
        tag, flags, length = layout.SECTION_HEAD.unpack_from(block, at)
        start = at + layout.SECTION_HEAD.size
        padded = layout.round_up(length, layout.SECTION_PADDING)
        if padded > len(block) - start:
            _fail(
                "bad_extension",
                f"Section {tag} claims {length} bytes; {len(block) - start} remain.",
                path,
                base + at + 8,
            )
        if tag in sections:
            _fail("bad_extension", f"Section {tag} stands there twice.", path, base + at)
        if flags & ~layout.CRITICAL_FLAG:
            _fail("bad_extension", f"Section {tag} has unknown flags {flags:#x}.", path, base + at + 4)
        if any(block[start + length : start + padded]):
            _fail("bad_extension", f"The padding of section {tag} is not zero.", path, base + start + length)
        payload = block[start : start + length]
        section = Section(tag, flags, base + start, payload if tag in _READERS else bytes(payload))
        if section.critical and tag not in _READERS:
            _fail("unsupported_feature", f"The bundle needs section {tag}, which is not known here.", path, base + at)
        sections[tag] = section
        at = start + padded
    if at != len(block):
        _fail("bad_extension", f"{len(block) - at} bytes follow the last section.", path, base + at)
    return list(sections.values())


def parse_extension(sections: Sequence[Section], manifest: BundleManifest, data_offset: int, path: str) -> Extension:
    """What ``sections`` say of a bundle with ``manifest`` (``bad_extension``, ``bad_metadata``, ``limit_exceeded``)."""
    found: dict[str, Any] = {}
    unknown = []
    for section in sections:
        reader = _READERS.get(section.tag)
        if reader is None:
            unknown.append(section)
        else:
            found |= reader(_Context(section, manifest, data_offset, path))
    return Extension(**found, unknown=tuple(unknown))


@dataclass(frozen=True, slots=True)
class _Context:
    section: Section
    manifest: BundleManifest
    data_offset: int
    path: str

    @property
    def payload(self) -> bytes | memoryview:
        return self.section.payload

    def fail(self, message: str, at: int = 0, code: str = "bad_extension") -> NoReturn:
        _fail(code, message, self.path, self.section.offset + at)


def _fail(code: str, message: str, path: str, offset: int) -> NoReturn:
    hint = (
        "No model is read."
        if code == "unsupported_feature"
        else "The models read as in a plain version 1 bundle, except for any that looks compressed."
    )
    raise bundle_error(code, message, path=path, offset=offset, hint=hint)


def _read_alignment(context: _Context) -> dict[str, Any]:
    if len(context.payload) != layout.ALIGNMENT.size:
        context.fail(f"The alignment section has {len(context.payload)} bytes instead of 8.")
    (alignment,) = layout.ALIGNMENT.unpack(context.payload)
    if not layout.is_alignment(alignment):
        context.fail(f"The alignment {alignment} is not a power of two up to 1 MiB.")
    unaligned = first_unaligned(context.manifest, context.data_offset, alignment)
    if unaligned is not None:
        context.fail(f"Model {unaligned} does not stand at a multiple of {alignment}.")
    return {"alignment": alignment}


def _read_binding(context: _Context) -> dict[str, Any]:
    if len(context.payload) != layout.BINDING.size:
        context.fail(f"The binding section has {len(context.payload)} bytes instead of 40.")
    return {"binding": Binding(*layout.BINDING.unpack(context.payload))}


def _read_digests(context: _Context) -> dict[str, Any]:
    payload, head = context.payload, layout.DIGESTS_HEAD.size
    if len(payload) < head:
        context.fail("The digest section ends inside its head.")
    number, reserved = layout.DIGESTS_HEAD.unpack_from(payload)
    algorithm = next((a for a in DIGEST_ALGORITHMS.values() if a.number == number), None)
    if algorithm is None:
        context.fail(f"The digest algorithm {number} is not known.")
    if reserved:
        context.fail("A reserved field of the digest section is not zero.", 4)
    expected = head + algorithm.length * len(context.manifest)
    if len(payload) != expected:
        context.fail(f"The digests of {len(context.manifest)} models take {expected} bytes, not {len(payload)}.")
    return {"digests": DigestTable(algorithm, payload[head:])}


def _read_compression(context: _Context) -> dict[str, Any]:
    payload, at = context.payload, 0
    tables: dict[int, Compression] = {}
    while at < len(payload):
        if len(payload) - at < layout.COMPRESSION_ROW.size:
            context.fail("The compression table ends inside a row.", at)
        index, codec, raw_size, chunk, count, reserved = layout.COMPRESSION_ROW.unpack_from(payload, at)
        if index >= len(context.manifest):
            context.fail(f"The compression table names model {index}; there are {len(context.manifest)}.", at)
        if index in tables:
            context.fail(f"The compression table names model {index} twice.", at)
        if codec != layout.ZSTD_CODEC:
            context.fail(f"The codec {codec} is not known.", at + 4)
        if not 1 <= chunk <= layout.MAX_CHUNK:
            context.fail(f"A chunk of {chunk} bytes is outside 1 to {layout.MAX_CHUNK}.", at + 16)
        if reserved:
            context.fail("A reserved field of the compression table is not zero.", at + 28)
        if count != -(-raw_size // chunk):
            context.fail(f"{raw_size} bytes in chunks of {chunk} are not {count} chunks.", at + 24)
        at += layout.COMPRESSION_ROW.size
        if count * 8 > len(payload) - at:
            context.fail("The compression table ends inside its chunks.", at)
        ends = struct.unpack_from(f"<{count}Q", payload, at)
        size = context.manifest.sizes[index]
        filled = bool(ends and ends[0] > 0 and ends[-1] == size and all(end > start for start, end in pairwise(ends)))
        if not (filled or size == count == 0):
            context.fail(f"The chunks of model {index} do not fill its {size} bytes in order.", at)
        tables[index] = Compression(raw_size, chunk, ends)
        at += count * 8
    return {"compression": tables}


def _read_metadata(context: _Context) -> dict[str, Any]:
    try:
        bundle, models, extra = parse_metadata(bytes(context.payload), context.manifest)
    except MetadataFault as fault:
        context.fail(str(fault), 0, fault.code)
    return {"bundle_metadata": bundle, "models": models, "extra": extra}


_READERS: dict[int, Callable[[_Context], dict[str, Any]]] = {
    layout.METADATA_SECTION: _read_metadata,
    layout.DIGESTS_SECTION: _read_digests,
    layout.COMPRESSION_SECTION: _read_compression,
    layout.BINDING_SECTION: _read_binding,
    layout.ALIGNMENT_SECTION: _read_alignment,
}


def pack_block(sections: Sequence[Section]) -> bytes:
    """The whole block with ``sections`` ascending by tag and its CRC filled in."""
    body = b"".join(
        layout.SECTION_HEAD.pack(s.tag, s.flags, len(s.payload)) + s.payload + bytes(-len(s.payload) % 8)
        for s in sorted(sections, key=lambda s: s.tag)
    )
    length = layout.EXTENSION_HEAD.size + len(body)
    fields = (layout.EXTENSION_TAG, layout.EXTENSION_VERSION, len(sections), length)
    crc = zlib.crc32(layout.EXTENSION_HEAD.pack(*fields, 0, 0) + body)
    return layout.EXTENSION_HEAD.pack(*fields, crc, 0) + body


def pack_sections(extension: Extension, manifest: BundleManifest) -> list[Section]:
    """The sections that say ``extension`` of a bundle with ``manifest``; what says nothing is left out.

    Raises
    ------
    LimitExceeded
        The metadata is above the limit a reader accepts.
    """
    sections = [Section(s.tag, s.flags, 0, s.payload) for s in extension.unknown]

    def add(tag: int, payload: bytes, flags: int = 0) -> None:
        sections.append(Section(tag, flags, 0, payload))

    described = [manifest.get_model(name) for name in manifest.model_names if name in extension.models]
    stored = {entry.name: extension.models[entry.name].stored(entry.raw_size) for entry in described}
    metadata = pack_metadata(extension.bundle_metadata, stored, extension.extra)
    if metadata:
        add(layout.METADATA_SECTION, metadata)
    if extension.digests is not None:
        head = layout.DIGESTS_HEAD.pack(extension.digests.algorithm.number, 0)
        add(layout.DIGESTS_SECTION, head + extension.digests.data)
    if extension.compression:
        add(layout.COMPRESSION_SECTION, _pack_compression(extension.compression), layout.CRITICAL_FLAG)
    if extension.binding is not None:
        payload = layout.BINDING.pack(extension.binding.sha256, extension.binding.data_length)
        add(layout.BINDING_SECTION, payload)
    if extension.alignment is not None:
        add(layout.ALIGNMENT_SECTION, layout.ALIGNMENT.pack(extension.alignment))
    return sections


def _pack_compression(tables: Mapping[int, Compression]) -> bytes:
    rows = []
    for index, table in sorted(tables.items()):
        fields = (index, layout.ZSTD_CODEC, table.raw_size, table.chunk, len(table.ends), 0)
        rows += [layout.COMPRESSION_ROW.pack(*fields), struct.pack(f"<{len(table.ends)}Q", *table.ends)]
    return b"".join(rows)
