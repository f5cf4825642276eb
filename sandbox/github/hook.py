"""The update hook: what is refused to whoever pushes, told in GitHub's words.

The server knows who pushes and which rules bind them; the hook knows what the push brings. So the server hands the
guards of the pushed refs over in the environment, one a line, and the hook applies them. Who pushes past the
server, straight into the folder, is not bound.
"""

from collections.abc import Iterable
from pathlib import Path

from sandbox.github.rules import Guard

VARIABLE = "SANDBOX_GUARDS"
_SCRIPT = r"""#!/bin/sh
ref=$1 old=$2 new=$3
zero=0000000000000000000000000000000000000000
if [ "$old" = $zero ]; then kinds=" creation "
elif [ "$new" = $zero ]; then kinds=" change deletion "
elif git merge-base --is-ancestor "$old" "$new"; then kinds=" change update "
else kinds=" change update non_fast_forward "
fi
refuse() {
  case $1 in
    GH006) echo "error: GH006: Protected branch update failed for $ref." >&2; echo "error: $2" >&2 ;;
    *) printf 'error: %s: Repository rule violations found for %s.\n\n- %s\n' "$1" "$ref" "$2" >&2 ;;
  esac
  exit 1
}
tab=$(printf '\t')
while IFS=$tab read -r guarded moves code green reason; do
  [ "$guarded" = "$ref" ] || continue
  case $kinds in *" $moves "*) refuse "$code" "$reason" ;; esac
  if [ "$moves" = not_green ] && [ "$new" != $zero ]; then
    case " $green " in *" $new "*) ;; *) refuse "$code" "$reason" ;; esac
  fi
done <<GUARDS
$SANDBOX_GUARDS
GUARDS
"""


def install(repository: Path) -> None:
    """Put the hook into a bare repository."""
    file = repository / "hooks" / "update"
    file.parent.mkdir(exist_ok=True)
    file.write_text(_SCRIPT, encoding="utf-8")
    file.chmod(0o755)


def handed_over(guards: Iterable[Guard]) -> dict[str, str]:
    """The environment in which the hook knows these guards."""
    # An empty field would vanish between two tabs, so `green` is never empty.
    lines = ["\t".join([g.ref, g.moves, g.code, " ".join(g.green) or "-", g.reason]) for g in guards]
    return {VARIABLE: "\n".join(lines)}
