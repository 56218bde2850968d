"""The networks that come with the server, one module or package each. They enter by the entry point group `cse`."""
