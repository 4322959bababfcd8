"""The reusable core: talk to one endpoint. It knows no pytest, no mock and no suite."""
