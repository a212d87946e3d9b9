"""What a person takes away: code that runs by itself, reports, commands."""
