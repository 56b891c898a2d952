"""The cockpit: a pygame window in its own process, one more watcher of the page. It decides nothing itself."""
