"""Pure translation, one module per dialect: bytes and JSON in, typed values out, and back."""
