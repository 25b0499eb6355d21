"""Our contract as checks that third parties can run too."""
