"""The OSC service: a daemon that serves the models of `vae` to Ableton Live and any other OSC client."""
