"""Text of spoken commands to intents and slots: twelve languages as data, one set of rules."""
