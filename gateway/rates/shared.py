"""What clients use is told to the other gateways, through Redis and beside the requests.

No request waits for it: each process limits by what it knows, and bars a client when the others let it use too much
already. Without Redis each process limits by itself.
"""
