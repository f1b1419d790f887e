"""Subscriptions over long connections: what happens in the backends reaches those who wait for it."""
