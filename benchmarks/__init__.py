"""Speed and memory beside the peers, in one run on the same data: `make bench`."""
