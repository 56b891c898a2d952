"""Where walkers walk: sidewalks and crosswalks of an OpenDRIVE file as the navigation mesh that CARLA's client loads.

Pure functions on plain data, any thread. `ribbons` finds the polygons, `tile` writes them, `mesh_file` names the file.
"""
