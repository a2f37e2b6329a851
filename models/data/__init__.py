"""data"""

from models.data.dataset import Dataset, check_enough_rows, check_unit_interval, load

__all__ = ["Dataset", "check_enough_rows", "check_unit_interval", "load"]
