"""Where the single binary begins."""

from appliance.cli.main import main

if __name__ == "__main__":
    main()
