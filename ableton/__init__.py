"""Ableton Live's side: device files, the User Library, AbletonOSC and drum racks. Knows Live, not models."""
