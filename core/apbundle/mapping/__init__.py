"""Files as memory: the map the paging engine loads from, and the reference's own mapped files.

A map never hides a change at the moment of loading: the identity of the file is compared before and after. What no
library can prevent: touching a view, held from before, of a file that another program has cut short since, is a bus
error that ends the process. Read such files instead of mapping them.
"""

from apbundle.mapping.filemap import FileMap
from apbundle.mapping.mapped import MappedFile
from apbundle.mapping.regions import MappedRegion, MemoryMappedFile

__all__ = ["FileMap", "MappedFile", "MappedRegion", "MemoryMappedFile"]
