"""What each RPC does to the world: plain functions whose annotations say what arrives and what goes back.

World thread only. `table` lists them all.
"""
