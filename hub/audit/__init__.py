"""What an auditor runs, offline, from an export and a policy file alone: `spojka-audit`.

Imports the hub's pure rules, to run every decision again, and contracts. Only the export itself, and the auditor's page, open the
hub's database. Imported by nothing.
"""
