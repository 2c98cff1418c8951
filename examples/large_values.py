"""Large values: a megabyte goes from task to task by reference; the decider never reads what it only hands on.

simpleflow workflow.start --local examples.large_values.Book --input '[1000000]'
"""

from simpleflow import Workflow, activity


@activity.with_attributes(task_list="quickstart", version="example")
def write(characters: int) -> str:
    return "durable " * (characters // 8)


@activity.with_attributes(task_list="quickstart", version="example")
def shout(text: str) -> str:
    return text.upper()


@activity.with_attributes(task_list="quickstart", version="example")
def words(text: str) -> int:
    return text.count("DURABLE")


class Book(Workflow):
    name = "book"
    version = "example"
    task_list = "example"

    def run(self, characters: int) -> int:
        text = self.submit(write, characters)
        loud = self.submit(shout, text)
        count = self.submit(words, loud)
        self.submit(self.record_marker("text", text))  # markers and signals carry references, too
        print(f"{count.result} words")
        return count.result
