"""The kit for authors of network plugins: a clock to advance, simulated devices, the contract tests."""
