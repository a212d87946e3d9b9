"""What a session keeps between reruns, and work that takes longer than one."""
