"""The gRPC backends, and what every one of their processes needs."""
