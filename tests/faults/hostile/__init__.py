"""One site in the hands of somebody who may do everything there and has no key (``make hostile``)."""
