"""Deployments, their statuses and environments.

Source: GitHub REST API description 2022-11-28, `deployment`, `deployment-status`, `environment`.
"""

from sandbox.github.exchange import Call
from sandbox.github.records import Deployment, DeploymentStatus, Environment
from sandbox.github.render.people import Json, node_id, stamp, user


def deployment(call: Call, record: Deployment) -> Json:
    url = f"{call.api}/deployments/{record.id}"
    return {
        "url": url,
        "id": record.id,
        "node_id": node_id("DE", record.id),
        "sha": record.sha,
        "ref": record.ref,
        "task": record.task,
        "payload": record.payload,
        "original_environment": record.environment,
        "environment": record.environment,
        "description": record.description,
        "creator": user(call, record.creator),
        "created_at": stamp(record.created_at),
        "updated_at": stamp(record.updated_at),
        "statuses_url": f"{url}/statuses",
        "repository_url": call.api,
        "transient_environment": record.transient_environment,
        "production_environment": record.production_environment,
        "performed_via_github_app": None,
    }


def status(call: Call, record: Deployment, item: DeploymentStatus) -> Json:
    url = f"{call.api}/deployments/{record.id}"
    return {
        "url": f"{url}/statuses/{item.id}",
        "id": item.id,
        "node_id": node_id("DES", item.id),
        "state": item.state,
        "creator": user(call, item.creator),
        "description": item.description,
        "environment": item.environment,
        "target_url": item.target_url,
        "log_url": item.log_url,
        "environment_url": item.environment_url,
        "created_at": stamp(item.created_at),
        "updated_at": stamp(item.created_at),
        "deployment_url": url,
        "repository_url": call.api,
        "performed_via_github_app": None,
    }


def environment(call: Call, record: Environment) -> Json:
    return {
        "id": record.id,
        "node_id": node_id("EN", record.id),
        "name": record.name,
        "url": f"{call.api}/environments/{record.name}",
        "html_url": f"{call.html}/deployments/activity_log?environments_filter={record.name}",
        "created_at": stamp(record.created_at),
        "updated_at": stamp(record.created_at),
        "protection_rules": [],
        "deployment_branch_policy": None,
    }
