"""What jobs make of events: histories of accounts, merges, erasures."""
