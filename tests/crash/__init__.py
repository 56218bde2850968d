"""The crash suite of conformance/crash: over our engines, and against servers that lie."""
