"""What a worker, the command line or a console does at the desk: thin, each one transaction. Imported by `adapters.desk.desk` only."""
