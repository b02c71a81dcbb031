"""Rules about pull requests: title, body and target."""
