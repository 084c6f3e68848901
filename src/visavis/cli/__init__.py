"""The shell: one file a verb, thin: parse, call, print."""
