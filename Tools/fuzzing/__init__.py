"""What Tools/fuzz begins with: seeds made of the samples, and the words of each format."""
