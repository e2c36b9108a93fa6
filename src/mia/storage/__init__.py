"""Adapters of the ports: lake, profile store, ledger, registry. Everything that touches a disk or a database."""
