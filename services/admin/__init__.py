"""The desk of the company's staff: finds, changes and ends accounts through the other backends, and keeps its audit."""
