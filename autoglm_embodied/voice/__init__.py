"""The voice room: sound in, commands out; microphone, activity detection, recogniser, grammar."""
