"""The shell: one file for each outside thing; its dialect inwards, our own words outwards."""
