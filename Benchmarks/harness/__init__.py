"""Larder beside its peers: workloads, drivers and reports."""
