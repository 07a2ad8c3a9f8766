"""What a user can ask for; every command is one function here."""
