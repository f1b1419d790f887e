"""What `make` runs beside the programs it installs."""
