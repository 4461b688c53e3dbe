"""What stands before the data part, put together from what it says: header, entries, extension block and slack."""

from __future__ import annotations

from dataclasses import replace

from apbundle.format import layout
from apbundle.format.extension import Binding, Extension, binding_hash, pack_block, pack_sections
from apbundle.format.manifest import BundleManifest
from apbundle.format.model import DigestAlgorithm, DigestTable


class Head:
    """The head of a bundle to be written; its size is known before the digests are.

    Parameters
    ----------
    manifest
        The models; :meth:`pack` writes the offsets they have by then.
    extension
        What the block says. Digests and binding are given to :meth:`pack`; those in it are not used.
    algorithm
        The kind of digests there will be, or ``None``.
    bound
        Whether there is a binding; digests always have one.
    plain
        Write no block at all.

    Raises
    ------
    LimitExceeded
        The metadata is above the limit a reader accepts.
    """

    def __init__(
        self,
        manifest: BundleManifest,
        extension: Extension,
        algorithm: DigestAlgorithm | None,
        *,
        bound: bool = False,
        plain: bool = False,
    ) -> None:
        self._manifest = manifest
        self._plain = plain
        self._bound = bound or algorithm is not None
        said = replace(extension, digests=None, binding=None)
        self._sections = [] if plain else pack_sections(said, manifest)
        self.described = any(section.tag == layout.METADATA_SECTION for section in self._sections)
        self.entries_size = len(manifest.to_bytes())
        blank = None if algorithm is None else DigestTable(algorithm, bytes(algorithm.length * len(manifest)))
        self.block_size = len(self._block(blank, bytes(layout.HEADER.size), b"", 0))

    @property
    def size(self) -> int:
        """Bytes of header, entries and block: the least that the data offset can be."""
        return layout.HEADER.size + self.entries_size + self.block_size

    def pack(self, data_offset: int, data_length: int, digests: DigestTable | None) -> bytes:
        """All ``data_offset`` bytes before the data part; zeros follow the block."""
        header = layout.HEADER.pack(layout.BUNDLE_MAGIC, layout.BUNDLE_VERSION, data_offset - layout.HEADER.size)
        entries = self._manifest.to_bytes()
        head = header + entries + self._block(digests, header, entries, data_length)
        return head + bytes(data_offset - len(head))

    def _block(self, digests: DigestTable | None, header: bytes, entries: bytes, data_length: int) -> bytes:
        if self._plain:
            return b""
        binding = Binding(binding_hash(header, entries), data_length) if self._bound else None
        checks = pack_sections(Extension(digests=digests, binding=binding), self._manifest)
        return pack_block([*self._sections, *checks])
