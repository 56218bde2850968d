"""What groups consist of: their members, the type that these must have, and the notifications that come from them."""
