"""SimLingo at full size: the published driver, its checkpoint, its runtime. Needs the `simlingo` extra."""
