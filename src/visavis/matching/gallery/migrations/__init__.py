"""How galleries of earlier versions become galleries of this one."""
