"""The interlock engine: standard library only, all pure, to be read in one sitting."""
