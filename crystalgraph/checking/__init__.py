"""The engine of the checks: runs, compares, reports, limits and explains. It knows no lab."""
