"""The commands of `./dev`, a module each with a `main`, and what they stand on."""
