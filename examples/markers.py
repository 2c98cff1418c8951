"""Markers: notes that a run keeps in its history, to be read by it and by whoever looks at the run.

simpleflow workflow.start --local examples.markers.Tour --input '[["Lima", "Cusco"]]'
"""

from simpleflow import Workflow, activity


@activity.with_attributes(task_list="quickstart", version="example")
def visit(town: str) -> str:
    return town.upper()


class Tour(Workflow):
    name = "tour"
    version = "example"
    task_list = "example"

    def run(self, towns: list[str]) -> list[str]:
        for number, town in enumerate(towns):
            self.submit(visit, town).result
            self.submit(self.record_marker("visited", {"town": town, "number": number}))
        self.submit(self.record_marker("home"))
        for marker in self.list_markers():  # the last one of each name
            print(marker.name, marker.details)
        last = self.get_event_details("marker", "visited")
        assert last is not None and last["details"]["town"] == towns[-1]
        return [marker.name for marker in self.list_markers(all=True)]
