"""What every process needs and no word of the account centre: settings, servers, channels, stores, telemetry."""
