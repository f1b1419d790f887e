"""The task backend: what the clock asks for. Roll-ups of behaviour, and the end of things whose time is over."""
