print("cogvlm")
