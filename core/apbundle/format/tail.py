"""What follows the last entry of a manifest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apbundle.errors import Finding
from apbundle.format import layout
from apbundle.format.extension import binding_hash

if TYPE_CHECKING:
    from apbundle.format.reader import BundleReader


def tail_warnings(reader: BundleReader) -> list[Finding]:
    """What follows the last entry, or the extension block, inside the manifest; and a block made for another one."""
    if reader.extension_error is not None:
        return []
    findings = []
    end = reader.data_offset
    begin = layout.HEADER.size + reader.entries_end if reader.extension_range is None else reader.extension_range[1]
    if reader.tail:
        message = f"{end - begin} bytes of the manifest are not understood."
        findings.append(Finding("unknown_manifest_tail", message, begin))
    elif reader.extension is None and end > begin:
        findings.append(Finding("manifest_padding", f"{end - begin} zero bytes follow the last entry.", begin))
    if reader.extension is not None and reader.extension.binding is not None:
        binding = reader.extension.binding
        bound = binding_hash(reader.header_bytes, memoryview(reader.manifest_bytes)[: reader.entries_end])
        if binding.sha256 != bound or binding.data_length != reader.file_size - reader.data_offset:
            message = "The extension was made for another manifest: its metadata and digests may be out of date."
            findings.append(Finding("stale_extension", message, layout.HEADER.size + reader.entries_end))
    return findings
