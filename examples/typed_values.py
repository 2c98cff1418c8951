"""Values of many types: what type hints name comes back as it was, through JSON.

simpleflow workflow.start --local examples.typed_values.Invoicing --input '["2026-11-23"]'
"""

from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from enum import Enum
from uuid import UUID

from simpleflow import Workflow, activity


class Vat(Enum):
    FULL = Decimal("0.19")
    REDUCED = Decimal("0.07")


@dataclass(frozen=True)
class Item:
    what: str
    price: Decimal
    vat: Vat = Vat.FULL


@dataclass(frozen=True)
class Invoice:
    number: UUID
    day: date
    items: list[Item] = field(default_factory=list)


@activity.with_attributes(task_list="quickstart", version="example")
def total(invoice: Invoice) -> Decimal:
    sums = (item.price * (1 + item.vat.value) for item in invoice.items)
    return sum(sums, Decimal(0)).quantize(Decimal("0.01"))


@activity.with_attributes(task_list="quickstart", version="example")
def due(invoice: Invoice, after: timedelta = timedelta(days=14)) -> date:
    return invoice.day + after


class Invoicing(Workflow):
    name = "invoicing"
    version = "example"
    task_list = "example"

    def run(self, day: date) -> tuple[Decimal, date, set[str]]:
        items = [Item("bread", Decimal("3.20"), Vat.REDUCED), Item("knife", Decimal("19.90"))]
        invoice = Invoice(self.uuid4(), day, items)
        amount, until = self.submit(total, invoice), self.submit(due, invoice)
        assert isinstance(amount.result, Decimal) and isinstance(until.result, date)
        print(f"{amount.result} until {until.result:%d %B %Y}")
        return amount.result, until.result, {item.what for item in items}
