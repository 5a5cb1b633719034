"""The commands of yujing-central, a file a theme.  Pure."""
