print("ingest ok")  # run as a file, where there is no dlt
