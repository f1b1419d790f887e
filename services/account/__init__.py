"""Accounts, their attributes, and the sessions of those who are signed in."""
