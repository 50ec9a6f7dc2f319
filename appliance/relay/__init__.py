"""The moving parts between a trigger and a monitor: asyncio, but no HTTP."""
