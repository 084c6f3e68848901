"""From a recipe and data to a model folder. Needs the extra ``train``."""
