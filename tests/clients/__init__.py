"""Programs that use client packages which others wrote, each in an environment of its own (`environments`)."""
