"""The types of blocks that hold connections. What is in them is `dabflow connect`'s business, never install's."""

from dataclasses import dataclass

from prefect.blocks.core import Block
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.objects import BlockType
from prefect.exceptions import ObjectNotFound

from deployments.parts.part import MISSING, Comparison, Difference, Seen
from tasks.rules.errors import NeedsHuman


@dataclass(frozen=True)
class ConnectionType:
    """One type of block."""

    client: SyncPrefectClient
    kind: type[Block]

    @property
    def slug(self) -> str:
        return self.kind.get_block_type_slug()

    @property
    def title(self) -> str:
        return f"block type {self.slug}"

    def look(self) -> Seen:
        found = self._found()
        if found is None:
            return Seen((Difference(MISSING),))
        if found.name != self.kind.get_block_type_name():
            raise NeedsHuman(
                f"the block type {self.slug} on this server is not dabflow's: it is called {found.name}",
                f"delete it if nothing uses it (prefect block type delete {self.slug}), then run dabflow install again",
            )
        compared = Comparison()
        compared.of("description", found.description, self.kind.get_description())
        fields = (
            () if self._knows_the_fields() else (Difference("fields", "of another version", "of this one"),)
        )
        return Seen((*compared.found, *fields))

    def make(self, seen: Seen) -> None:  # noqa: ARG002 - registering makes all of it so
        self.kind.register_type_and_schema()

    def removable(self) -> bool:
        """Only when no block of it is left: with it Prefect would delete the credentials in them."""
        found = self._found()
        return found is not None and found.name == self.kind.get_block_type_name() and not self.documents()

    def remove(self) -> None:
        found = self._found()
        if found is not None:
            self.client.delete_block_type(found.id)

    def documents(self) -> list[str]:
        """The blocks of this type, as type/name."""
        if self._found() is None:
            return []
        found = self.client.read_block_documents_by_type(self.slug)
        return sorted(f"{self.slug}/{document.name}" for document in found)

    def _found(self) -> BlockType | None:
        try:
            return self.client.read_block_type_by_slug(self.slug)
        except ObjectNotFound:
            return None

    def _knows_the_fields(self) -> bool:
        try:
            self.client.read_block_schema_by_checksum(self.kind._calculate_schema_checksum())  # noqa: SLF001
        except ObjectNotFound:
            return False
        return True
