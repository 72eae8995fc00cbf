"""`medsearch ledger`: the state of every landed object, and whether the totals reconcile."""
