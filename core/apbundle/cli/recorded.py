"""The settings a recording was made with, as the commands tell them."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from apbundle.trace.limits import Limits
from apbundle.trace.records import RecordingHeader
from apbundle.trace.simulate import SIMULATED


def known_policy(header: RecordingHeader) -> str | None:
    """The policy that a header names; ``None`` if it names none, or one that is not known here."""
    return header.policy if header.policy in SIMULATED else None


def described_settings(policy: str | None, limits: Limits) -> dict[str, Any]:
    """Policy and limits for JSON; ``limit`` is the last of them."""
    return {"policy": policy, "limit": limits.last, "limits": asdict(limits)}
