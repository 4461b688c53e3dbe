"""Recordings of paging, the workloads that make them, and replays."""
