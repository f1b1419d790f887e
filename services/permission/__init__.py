"""The permission backend: who may do what, and which sub-functions somebody may use."""
