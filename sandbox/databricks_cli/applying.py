"""Does what a plan says, several things at once, and writes each into the journal as soon as it is done.

A create whose answer is lost is not in the journal: the thing exists, and the next deploy makes a second one.
"""

from sandbox.databricks_cli import graph, references
from sandbox.databricks_cli.bundle import Bundle
from sandbox.databricks_cli.client import ApiError
from sandbox.databricks_cli.diagnostics import Failed
from sandbox.databricks_cli.kinds import kind_of
from sandbox.databricks_cli.planning import Entry, Plan, with_retries
from sandbox.databricks_cli.state import State
from sandbox.databricks_cli.values import Json


def apply(bundle: Bundle, plan: Plan, state: State) -> None:
    """Carry the plan out. Errors are printed and counted; what does not depend on them is done all the same."""
    if plan.entries:
        _Apply(bundle, plan, state).run()


class _Apply:
    def __init__(self, bundle: Bundle, plan: Plan, state: State) -> None:
        self.bundle = bundle
        self.plan = plan
        self.state = state
        self.before = plan.order()
        self.needed = {first for key, all_ in self.before.items() for first in all_ if key}
        self.remote: dict[str, dict[str, Json]] = {}

    def run(self) -> None:
        graph.run(self.before, self.work)

    def work(self, key: str, culprit: str | None) -> bool:
        entry = self.plan.entries[key]
        prefix = f"cannot {entry.action} {key}: "
        if culprit is not None:
            if entry.action != "skip":
                self.bundle.log.failure(Failed(f"dependency failed: {culprit}"), prefix)
            return False
        try:
            self.do(entry)
        except Failed as error:
            self.bundle.log.failure(error, prefix)
            return False
        return True

    def do(self, entry: Entry) -> None:
        match entry.action:
            case "delete":
                self.delete(entry)
                return
            case "create":
                self.create(entry)
            case "update":
                self.update(entry)
            case "recreate":
                self.recreate(entry)
            case "skip":
                pass
        if entry.key in self.needed:
            self.look_again(entry)

    def fill(self, entry: Entry) -> None:
        references.fill(entry, self.known, partly=False)

    def known(self, key: str, path: list[str]) -> Json:
        if path == ["id"]:
            id_ = self.state.ids.get(key)
            if not id_:
                raise Failed("internal error: no db entry")
            return id_
        value = references.child(self.remote.get(key), path)
        return references.LATER if value is None else value

    def create(self, entry: Entry) -> None:
        self.fill(entry)
        kind = kind_of(entry.key)
        id_ = kind.create(self.bundle.api, entry.settings)
        self.state.put(entry.key, id_, entry.settings, entry.depends_on)

    def update(self, entry: Entry) -> None:
        self.fill(entry)
        id_ = self.state.ids[entry.key]
        kind, client, log = kind_of(entry.key), self.bundle.api, self.bundle.log
        changed = {path for path, change in entry.changes.items() if change.action != "skip"}
        try:
            if not kind.is_local(changed):
                with_retries(lambda: kind.update(client, id_, entry.settings), log, f"deploying {entry.key}")
        except Failed as error:
            raise Failed(f"updating id={id_}: {error.summary}", error.detail) from error
        self.state.put(entry.key, id_, entry.settings, entry.depends_on)

    def recreate(self, entry: Entry) -> None:
        id_ = self.state.ids[entry.key]
        try:
            kind_of(entry.key).delete(self.bundle.api, id_, self.saved(entry.key))
        except Failed as error:
            if not (isinstance(error, ApiError) and error.missing):
                raise Failed(f"deleting old id={id_}: {error.summary}", error.detail) from error
        self.state.drop(entry.key)
        self.create(entry)

    def delete(self, entry: Entry) -> None:
        id_ = self.state.ids.get(entry.key, "")
        if id_ and not entry.gone:
            try:
                kind_of(entry.key).delete(self.bundle.api, id_, self.saved(entry.key))
            except ApiError as error:
                if error.status == 403:  # noqa: PLR2004 - HTTP
                    self.bundle.log.line(
                        f"Warn: destroying {entry.key}: Ignoring permission error when deleting {entry.key} id={id_}:"
                        f" {error.message}"
                    )
                elif not error.missing:
                    raise Failed(f"deleting id={id_}: {error.summary}", error.detail) from error
            except Failed as error:
                raise Failed(f"deleting id={id_}: {error.summary}", error.detail) from error
        self.state.drop(entry.key)

    def saved(self, key: str) -> Json:
        return (self.state.entries.get(key) or {}).get("state")

    def look_again(self, entry: Entry) -> None:
        """Read a thing that others depend on once more, whatever was done to it."""
        id_ = self.state.ids.get(entry.key)
        if not id_:
            raise Failed("internal error: missing entry in state after deploy")
        kind, client, log = kind_of(entry.key), self.bundle.api, self.bundle.log
        try:
            self.remote[entry.key] = with_retries(
                lambda: kind.read(client, id_), log, f"deploying {entry.key}"
            )
        except Failed as error:
            raise Failed(f"failed to read remote state: {error.summary}", error.detail) from error
