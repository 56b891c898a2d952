"""CARLA's recorder: every tick of an episode in a file of CARLA's binary format, played back and asked about later.

World thread only. Files live in one folder; no name that a client sends leads out of it.
"""
