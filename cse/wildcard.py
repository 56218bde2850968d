"""Patterns with `*`, as access control rules and filter criteria use them."""


def matches(value: str, pattern: str) -> bool:
    """Whether the value equals the pattern, in which each `*` stands for any run of characters."""
    if "*" not in pattern:
        return value == pattern
    first, *middle, last = pattern.split("*")
    if len(value) < len(first) + len(last) or not value.startswith(first) or not value.endswith(last):
        return False
    position, end = len(first), len(value) - len(last)
    for part in middle:
        found = value.find(part, position, end)
        if found < 0:
            return False
        position = found + len(part)
    return True


def means(pattern: str, originator: str) -> bool:
    """Whether a pattern means this originator: `*` stands for any run of characters without a slash."""
    return pattern.count("/") == originator.count("/") and matches(originator, pattern)
