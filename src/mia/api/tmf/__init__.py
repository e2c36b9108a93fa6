"""The TM Forum face (TMF680 v4, Recommendation): the same decisions and events, in the words of the standard."""
