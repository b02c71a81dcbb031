"""What a policy asks of the documents that people and agents leave behind, and which documents those are."""
