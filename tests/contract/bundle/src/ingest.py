import dlt  # not run here
