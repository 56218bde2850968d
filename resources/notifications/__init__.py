"""What subscriptions and crossResourceSubscriptions consist of: from an event to what each target is told, and when."""
