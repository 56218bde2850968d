"""What several resource types have in common."""
