"""Batch: many audits, planned, handed to workers, journalled, and rolled up into one record."""
