"""What every HTTP-facing room shares: the server, credentials, Host and Origin checks, limits and problem answers."""
