"""Permissions, references between resources and prevent_destroy: recordings 32.

Recorded with a schema, its grants and a volume beside the jobs. The stand-in refuses those by name, so both
commands get the bundle without them, and their lines are taken out of what was recorded.
"""

import json
import re

from cli_lab import Lab
from cli_recordings import Recording, assert_matches, assert_same, requests_of, same, without_log_in

PERMISSIONS = """\
permissions:
  - level: CAN_MANAGE
    group_name: data-engineers
  - level: CAN_MANAGE
    service_principal_name: ${workspace.current_user.userName}
"""
MORE = """\
resources:
  jobs:
    orchestrate:
      name: orchestrate
      tasks:
        - task_key: go
          run_job_task:
            job_id: ${resources.jobs.daily_report.id}
        - task_key: refresh
          pipeline_task:
            pipeline_id: ${resources.pipelines.ingest.id}
targets:
  staging:
    resources:
      pipelines:
        ingest:
          schema: staging_bronze
"""
PROTECTED = "      lifecycle:\n        prevent_destroy: true\n"
FOLDER = "32-permissions-and-references"
_CATALOG = re.compile(r"\b(schemas|volumes)\.|unity-catalog")
_VERBS = {"create": "to add", "delete": "to delete", "Created": "created", "Deleted": "deleted"}


def _without_catalog(text: str, unchanged: int) -> str:
    """The text without the lines about schemas and volumes, and with their number taken off the sums."""
    kept = []
    gone = dict.fromkeys([*_VERBS.values(), "unchanged"], 0)
    gone["unchanged"] = unchanged
    for line in text.splitlines(keepends=True):
        if not _CATALOG.search(line):
            kept.append(line)
            continue
        verb = _VERBS.get(line.split()[0])
        if verb and "resources." not in line:
            gone[verb] += 1
    return re.sub(
        r"(?<!uploaded, )\b(\d+) (to add|to delete|unchanged|created|deleted)\b",
        lambda found: f"{int(found[1]) - gone[found[2]]} {found[2]}",
        "".join(kept),
    )


def _recording(name: str, unchanged: int = 0) -> Recording:
    recorded = Recording(f"{FOLDER}/{name}")
    if recorded.stdout.startswith("{"):
        document = json.loads(recorded.stdout)
        plan = {key: entry for key, entry in document["plan"].items() if not _CATALOG.search(key)}
        plan["resources.pipelines.ingest"].pop("depends_on", None)
        recorded.stdout = json.dumps({**document, "plan": plan})
    else:
        recorded.stdout = _without_catalog(recorded.stdout, unchanged)
    paragraph = r"(?s)\n\nThis action .*delete resources.volumes.landing(?=\n)"
    recorded.stderr = _without_catalog(re.sub(paragraph, "", recorded.stderr), unchanged)
    for line in [line for line in recorded.requests if _CATALOG.search(line)]:
        del recorded.requests[line]
    return recorded


def _assert_reduced(lab: Lab, name: str, unchanged: int = 0) -> None:
    recorded = _recording(name, unchanged)
    result = lab.run(recorded.words)
    assert_matches(lab, recorded, result, name)
    if recorded.requests:
        seen, expected = without_log_in(requests_of(lab, result)), without_log_in(recorded.requests)
        same(f"{name}: requests", sorted(seen.elements()), sorted(expected.elements()))


def test_permissions_and_references(lab: Lab) -> None:
    databricks_yml = lab.bundle / "databricks.yml"
    databricks_yml.write_text(databricks_yml.read_text() + PERMISSIONS)
    (lab.bundle / "resources/more.yml").write_text(MORE)
    assert_same(lab, "32-permissions-and-references/1-validate")
    for name in ("2-plan", "3-plan-json", "4-deploy"):
        _assert_reduced(lab, name)
    _assert_reduced(lab, "5-plan-no-change", unchanged=3)
    _assert_reduced(lab, "6-plan-json-no-change")
    (lab.bundle / "resources/more.yml").unlink()
    _assert_reduced(lab, "7-plan-removed")
    # 8 was refused for the sake of the schema, with the files already up. Here something else stops it there.
    lab.fault(kind="before", path=".*/jobs/get", status=500, times=99)
    assert lab.run("bundle deploy -t staging").exit_code == 1
    lab.calm()
    _assert_reduced(lab, "9-deploy-removed-approved")
    _protect(lab)


def _protect(lab: Lab) -> None:
    """A block that is gone protects nothing: the job is deleted. A recreation is refused, files already up."""
    smoke = lab.bundle / "resources/smoke_test.yml"
    smoke.write_text(smoke.read_text() + PROTECTED)
    assert_same(lab, "32-permissions-and-references/10-deploy-prevent-destroy-on")
    smoke.unlink()
    for name in ("11-plan-protected-job-block-removed", "12-deploy-protected-job-block-removed"):
        assert_same(lab, f"32-permissions-and-references/{name}")
    ingest = lab.bundle / "resources/ingest.yml"
    ingest.write_text(ingest.read_text() + PROTECTED)
    assert_same(lab, "32-permissions-and-references/13-protect-pipeline")
    lab.edit(
        "resources/ingest.yml",
        "catalog: ${var.catalog}\n      schema: bronze",
        "storage: /mnt/x\n      target: b",
    )
    for name in ("14-plan-recreate-protected", "15-deploy-recreate-protected"):
        assert_same(lab, f"32-permissions-and-references/{name}")
