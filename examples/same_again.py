"""Time, chance and log lines of a run: the same again when another process takes it up.

simpleflow workflow.start --local examples.same_again.Lottery --input '["ann", "bob", "eve"]'
"""

from simpleflow import Workflow, activity


@activity.with_attributes(task_list="quickstart", version="example")
def congratulate(winner: str, ticket: str) -> str:
    return f"{winner} wins with {ticket}"


class Lottery(Workflow):
    name = "lottery"
    version = "example"
    task_list = "example"

    def run(self, *players: str) -> bool:
        drawn_at = self.now()
        winner = players[int(self.random() * len(players))]
        ticket = str(self.uuid4())
        self.log.info("drawn at %s", drawn_at)  # silent while the run is read again; so is print
        line = self.submit(congratulate, winner, ticket).result
        print(line)
        return line == f"{winner} wins with {ticket}" and self.now() >= drawn_at
