"""What is true at a site now: a fold of batches and of the link journal.  Pure."""
