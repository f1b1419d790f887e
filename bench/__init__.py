"""The yardstick: the home query through the gateway, a hand-written aggregator and a constant answer, side by side.

`python -m bench` starts the backends and the subjects as separate processes, lets them answer the same requests in
turns, and prints what each gets done and what it costs.
"""
