"""Pure rules: no asyncio, no HTTP, no database and no clock of their own."""
