"""Content Credentials (C2PA): read before a run, written after it, read back by verify.

No network, ever: remote manifests and revocation lists are not fetched.  The library parses what
strangers send, so it runs in a child process (`child`) and nowhere else; a crash there is a record.
"""
