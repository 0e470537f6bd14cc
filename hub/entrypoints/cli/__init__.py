"""What the operator types, a module a group of commands; each is loaded only when its command is called. Imported by `hub.entrypoints.commands`."""
