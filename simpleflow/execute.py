"""Programs as activities: any program, and Python functions in a process of their own.

    @activity.with_attributes()
    @execute.program(path="ls")
    def listing(*directories): ...

    @activity.with_attributes()
    @execute.python(timeout=60)
    def crunch(x): ...

As a script, ``python -m simpleflow.execute os.path.exists '{"args": ["/tmp"]}'`` calls a function: this is what a
function's own process does. Arguments, result and failure travel in files that only the two processes hold, so they
may be of any size, and what the function prints disturbs nothing. It knows of no worker and of no engine.
"""

from __future__ import annotations

import argparse
import functools
import inspect
import json
import logging
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from typing import IO, Any, Final, ParamSpec, TypeVar

from simpleflow import activity as activity_module
from simpleflow import config
from simpleflow.activity import Activity, importable_name
from simpleflow.exceptions import ExecutionError, ExecutionTimeoutError, one_line
from simpleflow.log import logger
from simpleflow.observe import configure_logging
from simpleflow.payload.codec import PLAIN, arguments, decode_call, freeze
from simpleflow.payload.failures import describe, without_frames
from simpleflow.payload.revival import attach

P = ParamSpec("P")
C = TypeVar("C", bound=Callable[..., Any])

__all__ = ["RequiredArgument", "format_arguments", "plain_arguments", "program", "python"]

OUR_FILES: Final = {__file__, activity_module.__file__}
MODULE: Final = "simpleflow.execute"
_MARK: Final = "_runs_in_a_process_of_its_own"


class RequiredArgument:
    """The default of a program's parameter that must be given; a mark for readers."""


def format_arguments(*args: Any, **kwargs: Any) -> list[str]:
    """A command line's arguments, options first. The quotes are part of what the program gets: no shell takes them off.

    >>> format_arguments('a', 'b', c=1, val=2)
    ['-c="1"', '--val="2"', 'a', 'b']
    """
    return [f'{_option(name)}="{value}"' for name, value in kwargs.items()] + [str(value) for value in args]


def plain_arguments(*args: Any, **kwargs: Any) -> list[str]:
    """As `format_arguments`, without quotes: values with spaces need none.

    >>> plain_arguments('a b', c=1, val="x y")
    ['-c=1', '--val=x y', 'a b']
    """
    return [f"{_option(name)}={value}" for name, value in kwargs.items()] + [str(value) for value in args]


def program(
    path: str | None = None, argument_format: Callable[..., Sequence[str]] = format_arguments
) -> Callable[[Callable[P, Any]], Callable[P, str]]:
    """Make a function that runs the program at `path` (default: of the function's name, found on the PATH).

    The decorated function tells the parameters, and is never called. `argument_format` makes the command line of the
    arguments as they were given; defaults are not filled in. The function returns what the program writes on its
    standard output, as text; bytes that are not UTF-8 are shown as escapes.

    Raises TypeError where the arguments do not fit, OSError where there is no such program, and
    subprocess.CalledProcessError where it fails.
    """

    def decorate(function: Callable[P, Any]) -> Callable[P, str]:
        signature = inspect.signature(function)

        @functools.wraps(function)
        def run(*args: P.args, **kwargs: P.kwargs) -> str:
            signature.bind(*args, **kwargs)
            command = [path or function.__name__, *argument_format(*args, **kwargs)]
            done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
            return done.stdout.decode(errors="backslashreplace")

        return run

    return decorate


def python(
    interpreter: str | None = None,
    logger_name: str = MODULE,
    timeout: float | None = None,
    kill_children: bool = False,
    env: Mapping[str, str] | None = None,
) -> Callable[[C], C]:
    """Make a function (or a class with an ``execute`` method) run in a Python process of its own.

    Args:
        interpreter: the Python to run it, where simpleflow is installed too. Default: this very one.
        logger_name: the logger to which the process reports a failure.
        timeout: seconds; then the process is ended, and ExecutionTimeoutError raised.
        kill_children: end what the function started and left running, when it is over or ran out of time.
        env: the environment of the process. Default: this one's.

    The function returns what the function returned, and raises ExecutionError, which has type, message and traceback,
    where that raised or its process died.
    """

    def decorate(function: C) -> C:
        def run(*args: Any, **kwargs: Any) -> Any:
            context = kwargs.pop("context", None)
            request: dict[str, Any] = {"context": context}
            if interpreter is None:
                request["path"] = [str(path) for path in sys.path]
            text = f"{format_arguments_json(*args, **kwargs)[:-1]},{json.dumps(request)[1:]}"
            command = [interpreter or sys.executable, "-m", MODULE, get_name(function)]
            level = logging.getLevelName(logger.getEffectiveLevel())
            command += [f"--logger-name={logger_name}", f"--log-level={level}"]
            command += ["--kill-children"] if kill_children else []
            return PLAIN.read_result(_run(command, text, timeout, kill_children, env), function)

        functools.update_wrapper(run, function, updated=())
        for name in ("name", "get_task_id"):  # by which activities are named
            if hasattr(function, name):
                setattr(run, name, getattr(function, name))
        setattr(run, _MARK, True)
        run.add_context_in_kwargs = True  # type: ignore[attr-defined]
        return run  # type: ignore[return-value]

    return decorate


def get_name(function: Callable[..., Any]) -> str:
    """The dotted name by which another process imports a function."""
    return importable_name(function)


def format_arguments_json(*args: Any, **kwargs: Any) -> str:
    """The arguments of a call as JSON, of any length. Raises PayloadError, which names the path to what has none."""
    return freeze({"args": list(args), "kwargs": kwargs}, "the arguments", sys.maxsize)


def wait_subprocess(
    process: subprocess.Popen[Any], timeout: float | None = None, command_info: object = None, *, tree: bool = False
) -> int:
    """The exit code of a process that ends within `timeout` seconds (None: no limit).

    Where it does not, it is ended, with all that it started if `tree`, and ExecutionTimeoutError raised.
    """
    try:
        return process.wait(timeout)
    except BaseException as error:
        _end(process.pid, tree)
        process.wait()
        if isinstance(error, subprocess.TimeoutExpired):
            raise ExecutionTimeoutError(command_info or process.args, timeout) from None
        raise


def _run(
    command: list[str], text: str, timeout: float | None, kill_children: bool, env: Mapping[str, str] | None
) -> str:
    """What the process says of the result."""
    with _files(env) as (arguments, result, error):
        arguments.write(text.encode())
        arguments.seek(0)
        given = (arguments.fileno(), result.fileno(), error.fileno())
        process = subprocess.Popen(
            [*command, f"--arguments-json-fd={given[0]}", f"--result-fd={given[1]}", f"--error-fd={given[2]}"],
            stdin=subprocess.DEVNULL,
            pass_fds=given,
            env=None if env is None else dict(env),
        )
        code = wait_subprocess(process, timeout, command, tree=kill_children)
        told = _content(error)
        if told:
            raise _failure(told)
        found = _content(result)
        if code or not found:
            how = str(subprocess.CalledProcessError(code, command)) if code else f"Command {command} returned nothing."
            raise ExecutionError("", how)
        return found


def _failure(told: str) -> ExecutionError:
    """What the function raised there, with its traceback as a note and its causes."""
    found = json.loads(told)
    error = ExecutionError(told, f"{found['error']}: {found['message']}".partition("\n")[0].rstrip(": "))
    attach(error, told)
    return error


@contextmanager
def _files(env: Mapping[str, str] | None) -> Iterator[list[IO[bytes]]]:
    """Three files without a name, in the temporary directory of the environment."""
    directory = next((env[name] for name in ("TMPDIR", "TEMP", "TMP") if env.get(name)), None) if env else None
    with ExitStack() as opened:
        yield [opened.enter_context(tempfile.TemporaryFile(dir=directory)) for _ in range(3)]


def _content(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode()


def _option(name: str) -> str:
    return f"-{name}" if len(name) == 1 else f"--{name}"


def _end(pid: int | None, tree: bool) -> None:
    """End a process (None: none), softly and after a while hard; if `tree`, what descends from it (or from us) too."""
    import psutil  # 20 ms, and only needed when something goes wrong

    with suppress(psutil.NoSuchProcess):
        root = psutil.Process(pid)
        processes = (root.children(recursive=True) if tree else []) + ([root] if pid is not None else [])
        for signal in ("terminate", "kill"):
            for process in processes:
                with suppress(psutil.NoSuchProcess):
                    getattr(process, signal)()
            _, processes = psutil.wait_procs(processes, timeout=config.load().activity_sigterm_wait_sec)


# -- the process of its own ----------------------------------------------------------------------------------------


def main(arguments: Sequence[str] | None = None) -> int:
    """Call the function that the command line names; the exit code."""
    options = _options(arguments)
    configure_logging(options.log_level or config.load().log_level, "execute")
    out = os.fdopen(options.result_fd, "w") if options.result_fd is not None else sys.stdout
    try:
        result = _call(options)
        out.write(result if options.result_fd is not None else f"\n{result}\n")
        out.flush()
        return 0
    except BaseException as error:
        _, details = describe(without_frames(error, OUR_FILES))
        logging.getLogger(options.logger_name).error(
            "%s: %s", options.function, one_line(error), exc_info=error if options.error_fd is None else None
        )
        if options.error_fd is not None:
            with os.fdopen(options.error_fd, "w") as file:
                file.write(details)
        return 1
    finally:
        if options.kill_children:
            _end(None, tree=True)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m simpleflow.execute", description="Call a function.")
    parser.add_argument("function", help="its dotted name")
    parser.add_argument("arguments", nargs="?", default="{}", help='JSON: {"args": [...], "kwargs": {...}}')
    parser.add_argument("--context", type=json.loads, metavar="JSON", help="what the activity knows of its task")
    parser.add_argument("--logger-name", default=MODULE, metavar="NAME")
    parser.add_argument("--log-level", metavar="LEVEL", help="from which on simpleflow's loggers log [env: LOG_LEVEL]")
    parser.add_argument("--kill-children", action="store_true", help="end what it started and left running")
    for what in ("arguments-json", "result", "error"):
        parser.add_argument(f"--{what}-fd", type=int, metavar="N", help="a file that this process was given")
    return parser.parse_args(arguments)


def _call(options: argparse.Namespace) -> str:
    """The result of the function, as JSON."""
    text = options.arguments
    if options.arguments_json_fd is not None:
        with os.fdopen(options.arguments_json_fd) as file:
            text = file.read()
    call = PLAIN.read_call(text)
    request = call if isinstance(call, dict) else {}
    sys.path.extend(path for path in request.get("path", ()) if path not in sys.path)
    context = options.context or request.get("context")
    target = _inner(_load(options.function), context)
    args, kwargs = arguments(call)
    decode_call(args, kwargs, target)
    result = Activity(target).work(args, kwargs, context)
    return freeze(result, "the result", sys.maxsize)


def _load(name: str) -> Any:
    import pkgutil

    return pkgutil.resolve_name(name)


def _inner(found: Any, context: dict[str, Any] | None) -> Callable[..., Any]:
    """What `python` was given where `found` is what it made, perhaps within an activity; else what was found.

    What it made has the context too: in the function's module its name stands for that, or for the activity.
    """
    thing = found
    while thing is not None:
        if getattr(thing, _MARK, False) is True:
            thing.context = context
            return thing.__wrapped__  # type: ignore[no-any-return]
        thing = getattr(thing, "__wrapped__", None)
    return found.callable if isinstance(found, Activity) else found


if __name__ == "__main__":
    sys.exit(main())
