"""Killing real processes at named step boundaries and at random, and what must hold after each kill."""
