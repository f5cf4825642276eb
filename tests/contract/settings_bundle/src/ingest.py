print("ingest ok")
