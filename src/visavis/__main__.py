"""``python -m visavis``."""

from visavis.cli.app import main

main()
