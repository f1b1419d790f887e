"""Work that follows events: merging accounts, erasing closed ones, and the history that events add up to."""
