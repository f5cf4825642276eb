print("extract ok")
