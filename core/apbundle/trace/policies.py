"""The policies that can be compared: what people call them, and what each is good for and bad at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

BELADY: Final = "belady"
"""The policy that knows what comes."""


@dataclass(frozen=True, slots=True)
class PolicyFacts:
    """A policy in words.

    Parameters
    ----------
    name
        What settings and options call it.
    title
        What people call it.
    summary
        In a sentence, what it is good for and what it is bad at.
    """

    name: str
    title: str
    summary: str


POLICY_FACTS: Final = (
    PolicyFacts(
        "lru",
        "LRU",
        "Good where what was just used is soon used again; bad at going round through more than fits: then it finds "
        "nothing.",
    ),
    PolicyFacts(
        "lfu",
        "LFU",
        "Good where the same few units stay wanted; bad when others become wanted: it keeps what was used often, "
        "however long ago.",
    ),
    PolicyFacts(
        "fifo",
        "FIFO",
        "Good as a yardstick, being the simplest; bad at keeping what is wanted often, because use does not count.",
    ),
    PolicyFacts(
        "clock",
        "CLOCK",
        "Good where LRU is, which it imitates with one mark a unit; bad at going round through more than fits, as LRU "
        "is.",
    ),
    PolicyFacts(
        "sieve",
        "SIEVE",
        "Good where a few units are wanted again and again among many that are wanted once; bad at going round through "
        "more than fits.",
    ),
    PolicyFacts(
        "s3fifo",
        "S3-FIFO",
        "Good for many small units of which most are wanted once; bad for large ones: it refuses those of a tenth of "
        "the limit or more.",
    ),
    PolicyFacts(
        BELADY,
        "Belady",
        "Good to see what is left to gain, because it knows what will be asked for; bad for running programs, which do "
        "not.",
    ),
)
"""In the order in which they are shown."""
