"""One file for each revision; ``tables.SCHEMA`` names the newest."""
