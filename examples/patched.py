"""Changing a workflow while runs of it are open: old runs go the old way, new ones the new way.

simpleflow workflow.start --local examples.patched.Order --input '[100]'
"""

from simpleflow import Workflow, activity


@activity.with_attributes(task_list="quickstart", version="example")
def add_vat(amount: int) -> int:
    return amount * 119 // 100


@activity.with_attributes(task_list="quickstart", version="example")
def write_invoice(amount: int) -> str:
    return f"please pay {amount}"


class Order(Workflow):
    name = "order"
    version = "example"
    task_list = "example"

    def run(self, amount: int) -> str:
        if self.patched("add-vat"):  # False in runs that had come past this line before it was there
            amount = self.submit(add_vat, amount).result
        invoice = self.submit(write_invoice, amount).result
        print(invoice)
        return invoice
