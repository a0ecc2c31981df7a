"""Measurements that hold on any machine, because they are ratios of one run."""
