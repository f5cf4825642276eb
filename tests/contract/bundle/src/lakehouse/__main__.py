def main():
    print("report ok")


if __name__ == "__main__":
    main()
