"""The tab that says what differs between the bundle and another one, or between two of its models."""
