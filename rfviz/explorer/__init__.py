"""The linked view in the browser: panels that are never taken down, and one chosen position."""
