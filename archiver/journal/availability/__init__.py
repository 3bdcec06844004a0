"""The availability ledger: when the service was up, and when it was not, as a fold over the archive's log.

Nothing is kept besides the archive: nodes put their changes of state and a heartbeat on record as events,
operators announce windows, outside probes note what they see, and whoever asks folds them again. So the
ledger survives restarts, and the loss of every node.
"""
