"""HTTP resources, a module each; every one offers `routes(deps)`."""
