"""The HTTP binding (TS-0009): requests in, responses out. What is between is not its business."""
