"""What a person is told when `databricks bundle` failed: its own first error, and what to do about it.

Only words for people are chosen here. Whether it failed, and whether that may pass, is known before.

Source: messages of the Databricks CLI 1.14, recorded on 2026-08-21.
"""

import re

_LONGEST_LINES = 8

_REMEDIES = [
    (
        r"deploy lock acquired by (?P<who>\S+) at (?P<when>.+?)\. ",
        (
            "find out whether {who} still deploys since {when}. If not (the deploy was killed), look at what it left:"
            " jobs that the state does not know; then free the lock once with"
            " `databricks bundle deploy --force-lock`, and retry"
        ),
    ),
    (r"Failed to acquire deployment lock", "let the service principal write to the bundle's state folder"),
    (
        r"not on the right Git branch",
        "deploy a commit or a tag, not another branch; or correct `git.branch` of the target in databricks.yml",
    ),
    (r"\bis running\b", "wait until the run has ended, or cancel it; then retry"),
    (
        r"destructive actions",
        (
            "see the plan: something that holds data would be deleted. The files are replaced already; deploy the"
            " last release again, or approve the plan with what it deletes"
        ),
    ),
    (
        r"prevent_destroy",
        "the resource is protected: keep it in the bundle, or take its protection away in a release of its own",
    ),
    (r"no such target", "correct `targets` in release.yaml, or add the target to databricks.yml"),
    (
        r"resolve bundle auth configuration|request visitor",
        (
            "take `profile`, `auth_type`, `client_id` and tokens out of `workspace` in databricks.yml: they are"
            " for laptops, a release signs in as the target's service principal"
        ),
    ),
    (r"\b(?:401|403)\b|access denied", "give the service principal the rights that the message names"),
]

_BY_COMMAND = {
    "validate": "correct the bundle where the message points, on the release branch; the new commit is examined",
    "plan": "correct what the message names, then retry; nothing was changed",
    "summary": "correct what the message names, then retry; nothing was changed",
    "deploy": "correct what the message names, then retry. Files may be new while jobs are not: until a deploy"
    " has ended well, do not rely on what the target runs",
}


def first_error(stderr: str) -> str:
    """The first error with its details: the place in a file, what was expected. The last line if there is none."""
    lines = stderr.splitlines()
    starts = [number for number, line in enumerate(lines) if line.startswith("Error:")]
    if not starts:
        return next((line.strip() for line in reversed(lines) if line.strip()), "it said nothing")
    found = [lines[starts[0]].removeprefix("Error:").strip()]
    for line in lines[starts[0] + 1 :][:_LONGEST_LINES]:
        if not line.startswith(" "):
            break
        found.append(line.rstrip())
    return "\n".join(found)


def remedy_for(command: str, error: str) -> str:
    """What to do about an error of `databricks bundle <command>`."""
    for pattern, remedy in _REMEDIES:
        found = re.search(pattern, f"{error} ")
        if found:
            return remedy.format(**found.groupdict())
    return _BY_COMMAND.get(command, _BY_COMMAND["plan"])
