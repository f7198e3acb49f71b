"""Endurance runs against a real daemon, each a command that prints its figures and fails when a promise is broken."""
