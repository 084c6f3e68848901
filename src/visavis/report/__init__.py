"""Evaluations and models as people read them: plots, the HTML report, Markdown pages."""
