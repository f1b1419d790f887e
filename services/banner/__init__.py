"""The banner backend: what is advertised in the slots of the pages, and to whom."""
