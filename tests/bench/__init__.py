"""`python -m tests.bench`: how fast and how small the appliance is, where it runs. No test, no threshold."""
