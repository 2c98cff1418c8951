"""Repair: a run that has failed is taken over by a new one, and what it completed is not run again.

simpleflow standalone --domain TestDomain --workflow-id fleet examples.repair.Fleet --input '["engine-room", 5]'
touch engine-room
simpleflow standalone --domain TestDomain --repair fleet examples.repair.Fleet

The first command fails at the last ship, until the file engine-room is there; the third launches that one alone.
"""

from pathlib import Path

from simpleflow import Workflow, activity


@activity.with_attributes(task_list="quickstart", version="example")
def launch(ship: int, of: int, engine_room: str) -> int:
    if ship == of and not Path(engine_room).exists():
        raise FileNotFoundError(f"there is no {engine_room}")
    print(f"ship {ship} is launched")
    return ship


class Fleet(Workflow):
    name = "fleet"
    version = "example"
    task_list = "example"

    def run(self, engine_room: str, ships: int) -> int:
        launched = 0
        for ship in range(1, ships + 1):
            self.submit(launch, ship, ships, engine_room).result
            launched += 1
        return launched
