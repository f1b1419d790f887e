"""The contracts: error codes, protobuf and GraphQL. This room imports no other."""
