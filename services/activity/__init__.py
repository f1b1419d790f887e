"""The activity backend: what accounts do, who follows whom, and the feeds that come of both."""
