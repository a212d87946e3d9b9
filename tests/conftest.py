"""How hypothesis runs here: no verdict of it may depend on how busy the machine is."""

from hypothesis import HealthCheck, settings

settings.register_profile("rfviz", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("rfviz")
