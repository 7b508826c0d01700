"""Named behaviours of Genspark that a rule can ask for, as tables."""
