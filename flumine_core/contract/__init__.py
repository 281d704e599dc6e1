"""What a plugin implements, and the version of it: hook specifications, base classes, descriptions, ports."""

API_VERSION = (1, 0)
"""Major and minor version of the plugin contract.

A plugin may say which one it was written for: `FLUMINE_API_VERSION = (1, 0)` in its module. One of another major
version is refused when it is loaded. The minor version counts up with every addition; what is deprecated stays for
two of them.
"""
