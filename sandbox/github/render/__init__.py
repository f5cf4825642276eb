"""What each object looks like in JSON: names and shapes of GitHub's API description 2022-11-28."""
