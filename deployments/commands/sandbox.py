"""`dabflow sandbox`: the sandbox package's commands, told what is tried in it."""

from deployments.project import PROJECT
from sandbox.command import sandbox_app

app = sandbox_app(PROJECT)
