"""The YAML of `release.yaml`, read as strictly as the settings in it."""

from typing import Any

import yaml

from tasks.rules.errors import NeedsHuman


def parsed(text: str, *, source: str) -> object:
    """Return what a YAML text holds, None if that is nothing.

    Args:
        text: the file.
        source: where it was found, for people: `release.yaml at 1f3c9ab`.

    Raises:
        NeedsHuman: it is not YAML, or has a key twice; YAML's own reader would drop the first one quietly.
    """
    try:
        return _Loader(text).get_single_data()
    except yaml.YAMLError as error:
        raise NeedsHuman(f"{source} is not YAML: {error}", "mend the file and push it") from error


class _Loader(yaml.SafeLoader):
    # Dates stay text, as editors see them: the settings say what is wrong with 2026-02-30, and in which key.
    yaml_implicit_resolvers = {  # noqa: RUF012  # PyYAML's own way
        first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(":timestamp")]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002
        known = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value in known:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key `{key.value}` is there twice", key.start_mark
                )
            known.add(key.value if isinstance(key, yaml.ScalarNode) else id(key))
        return super().construct_mapping(node, deep=deep)
