"""Child workflows: a run that starts others, each with an id, a history and tasks of its own.

simpleflow workflow.start --local examples.child_workflows.Atlas --input '[["Peru", "Chad"]]'
"""

from simpleflow import Workflow, activity


@activity.with_attributes(task_list="quickstart", version="example")
def letters(word: str) -> int:
    return len(word)


class Chapter(Workflow):
    """A child is a workflow like any other; the methods that start with get_ are asked when it is a child."""

    name = "chapter"
    version = "example"
    task_list = "example"
    retry = 1  # started once more where it fails
    raises_on_failure = None  # its failure is raised where its result is read, not in the parent at once
    execution_timeout = 600

    @classmethod
    def get_workflow_id(cls, country: str) -> str | None:
        return None  # None: an id made of the parent's

    @classmethod
    def get_tag_list(cls, country: str) -> list[str]:
        return ["atlas", country]

    def run(self, country: str) -> str:
        if country == "Atlantis":
            self.fail("no such country")
        tags = ", ".join(self.get_run_context()["tag_list"])
        return f"{country}: {self.submit(letters, country).result} letters (tags: {tags})"


class Atlas(Workflow):
    name = "atlas"
    version = "example"
    task_list = "example"

    def run(self, countries: list[str]) -> list[str]:
        chapters = [self.submit(Chapter, country) for country in [*countries, "Atlantis"]]
        lines = []
        for chapter in chapters:  # they run side by side
            error = chapter.exception
            lines.append(chapter.result if error is None else f"missing ({type(error).__name__})")
        print("\n".join(lines))
        return lines
