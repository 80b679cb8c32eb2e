"""The subcommands that the simulator adds to `autoglm`."""
