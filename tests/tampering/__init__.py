"""Everything that somebody might do to a log, done, and what an auditor's commands say of it: the page `hub/audit/tampering.md`."""
