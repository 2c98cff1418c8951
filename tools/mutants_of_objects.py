"""The mutants of the object layer: name, file, old, new, tests."""

from __future__ import annotations

#: What notices a fault of the object layer.
TESTS = "tests/unit/objects tests/property/test_compile.py"

MUTANTS = [
    (
        'objects: a link to another opening',
        'simpleflow/swf/models/event/compiler.py',
        'if opened and opened != self.opened:',
        'if False:',
        TESTS,
    ),
    (
        'objects: a link to another start',
        'simpleflow/swf/models/event/compiler.py',
        'if self.type != "Timer" and started is not None and started != self.started:',
        'if False:',
        TESTS,
    ),
    (
        'objects: an end without a start',
        'simpleflow/swf/models/event/compiler.py',
        'and not self.started:',
        'and False:',
        TESTS,
    ),
    (
        'objects: refusals change the state',
        'simpleflow/swf/models/event/compiler.py',
        'if event.state not in machine.passing:',
        'if True:',
        TESTS,
    ),
    (
        'objects: a gap between events',
        'simpleflow/swf/models/history/integrity.py',
        'elif event.id != self._last + 1:',
        'elif event.id <= self._last:',
        TESTS,
    ),
    (
        'objects: events after the close',
        'simpleflow/swf/models/history/integrity.py',
        'if self._closed is not None:',
        'if False:',
        TESTS,
    ),
    (
        'objects: decisions that nobody made',
        'simpleflow/swf/models/history/integrity.py',
        'if decided not in self._decided:',
        'if False:',
        TESTS,
    ),
    (
        'objects: decisions of another time',
        'simpleflow/swf/models/history/integrity.py',
        'if event.name not in _LATER and decided != self._decision:',
        'if False:',
        TESTS,
    ),
    (
        'objects: two decision tasks at once',
        'simpleflow/swf/models/history/integrity.py',
        'if self._working:',
        'if False:',
        TESTS,
    ),
    (
        'objects: events that lack something',
        'simpleflow/swf/models/history/integrity.py',
        'if missing := [',
        'if False and [',
        TESTS,
    ),
    (
        'objects: one position for all iterations',
        'simpleflow/swf/querysets/base.py',
        '        position = 0\n        while self._fill(position + 1):',
        '        position = len(self._cache)\n        while self._fill(position + 1):',
        TESTS,
    ),
    (
        'objects: a page that fails ends the list',
        'simpleflow/swf/querysets/base.py',
        '            self._forget()  # a page is missing: the next who asks begins anew\n',
        '',
        TESTS,
    ),
    (
        'objects: a later condition replaces an earlier one',
        'simpleflow/swf/querysets/base.py',
        'if self._given.get(name, value) != value:',
        'if False:',
        TESTS,
    ),
    (
        'objects: the latest date alone is dropped',
        'simpleflow/swf/querysets/workflow.py',
        'oldest = "close_oldest_date" if any(name in dates for name in _ENDED) else',
        'oldest = "close_oldest_date" if "close_oldest_date" in dates else',
        TESTS,
    ),
    (
        'objects: a count that is cut short is taken',
        'simpleflow/swf/querysets/workflow.py',
        'if found.get("truncated"):',
        'if False:',
        TESTS,
    ),
    (
        'objects: what is not said differs',
        'simpleflow/swf/models/base.py',
        'if value not in (None, {}, ())',
        'if True',
        TESTS,
    ),
    (
        'objects: every refusal means that it is there',
        'simpleflow/swf/models/base.py',
        '        except DoesNotExistError:\n            return False\n        return True',
        '        except DoesNotExistError:\n            return False\n'
        '        except Exception:\n            return True\n        return True',
        TESTS,
    ),
    (
        'objects: decisions are not checked',
        'simpleflow/swf/models/decision/base.py',
        '        made.check()\n',
        '',
        TESTS,
    ),
    (
        'objects: a result that cannot travel is never answered',
        'simpleflow/swf/actors/worker.py',
        '            self.fail_with(token, error)\n            return\n',
        '            return\n',
        TESTS,
    ),
    (
        'objects: Amazon is called because there is a file',
        'simpleflow/swf/settings.py',
        'if url == "aws" and (region',
        'if (region',
        TESTS,
    ),
]
