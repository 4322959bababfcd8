"""YAML files that people write: read with the line of each key, held against a JSON Schema."""
