"""Measures the reCAPTCHA sidecar with a real Chromium on the emulator's page, on loopback only."""
