"""The `vooster` command. Its verbs are clients of the running appliance's control socket."""
