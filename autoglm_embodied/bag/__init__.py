"""Recordings of topics: MCAP written so that a crash loses little, MCAP and sqlite3 bags read."""
