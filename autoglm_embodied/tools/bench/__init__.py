"""What the parts cost, lose and get wrong, measured: a module for each `autoglm bench`."""
