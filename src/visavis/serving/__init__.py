"""The page and the API: what visavis does, over HTTP."""
