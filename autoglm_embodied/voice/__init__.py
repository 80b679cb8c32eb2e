"""Voice commands: microphone, voice activity detection, speech recognition, command grammar."""
