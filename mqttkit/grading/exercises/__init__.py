"""The scenarios and rubrics of the kit's own exercises. A sandboxed kernel does not see this folder."""
