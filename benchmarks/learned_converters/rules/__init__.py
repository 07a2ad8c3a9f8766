"""The ten tasks, one a file."""

from __future__ import annotations

from ..task import Task
from .access import ACCESS
from .bibliography import BIBLIOGRAPHY
from .contacts import CONTACTS
from .labels import LABELS
from .people import PEOPLE, STRANGERS
from .roman import ROMAN
from .sensor import SENSOR
from .settings import SETTINGS
from .tables import TABLES

TASKS: dict[str, Task] = {
    task.name: task
    for task in (PEOPLE, STRANGERS, ROMAN, SETTINGS, ACCESS, SENSOR, LABELS, BIBLIOGRAPHY, TABLES, CONTACTS)
}
