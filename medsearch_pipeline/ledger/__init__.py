"""`medsearch ledger`: what became of every landed object, and whether the totals reconcile."""
