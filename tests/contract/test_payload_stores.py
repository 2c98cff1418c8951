"""What every store of large values keeps: in memory, as files, and on Amazon S3 (moto's)."""

from __future__ import annotations

import hashlib
import json
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from s3_server import S3
from simpleflow import Workflow, settings
from simpleflow import s3 as amazon
from simpleflow.config import Config, ConfigError, payload_directory, read
from simpleflow.engine import Engine
from simpleflow.exceptions import PayloadError, PayloadUnreachable
from simpleflow.payload import files
from simpleflow.payload import notes as files_of_notes
from simpleflow.payload.codec import Codec
from simpleflow.payload.files import FileStore
from simpleflow.payload.notes import Notes
from simpleflow.payload.store import Payloads
from simpleflow.runtime.start import Handle, StartOptions, codec_of, launch

DAY = 24 * 60 * 60
TEXT = '{"a":"é' + "x" * 100_000 + '"}'
HASH = hashlib.sha256(TEXT.encode()).hexdigest()


@pytest.fixture(autouse=True)
def connections() -> Iterator[None]:
    """S3 is where the environment of this test says."""
    amazon.opened.cache_clear()
    yield
    amazon.opened.cache_clear()


@pytest.fixture(scope="module")
def s3() -> Iterator[S3]:
    with S3() as server:
        yield server


@pytest.fixture(params=["memory", "file", "s3"])
def url(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "s3":
        for name, value in request.getfixturevalue("s3").env.items():
            monkeypatch.setenv(name, value)
        return f"s3://payloads/{tmp_path.name}/deep"
    return f"file:{tmp_path}/payloads" if request.param == "file" else "memory:"


def test_notes_change_and_are_found_by_their_name(url: str) -> None:
    notes = Notes([url])
    assert notes.read("22a/b=", "7.progress") is None
    for text in ("first", "é" * 10):
        notes.write("22a/b=", "7.progress", text)
    notes.write("22a/b=", "8.progress", "other")
    assert notes.read("22a/b=", "7.progress") == (None if url == "memory:" else "é" * 10)


def test_notes_go_with_their_run(tmp_path: Path) -> None:
    notes = Notes([f"file:{tmp_path}"])
    for run_id in ("22a=", "22b="):
        notes.write(run_id, "7.output", "text")
    assert files_of_notes.sweep(tmp_path, lambda: ["22b=", "22c="]) == 1
    assert notes.read("22a=", "7.output") is None and notes.read("22b=", "7.output") == "text"


def test_notes_that_cannot_be_had_are_told(tmp_path: Path) -> None:
    (tmp_path / "notes").touch()
    with pytest.raises(PayloadUnreachable, match="a note on r cannot be written"):
        Notes([f"file:{tmp_path}"]).write("r", "n", "text")
    with pytest.raises(PayloadUnreachable, match="a note on r cannot be read"):
        Notes([f"file:{tmp_path}"]).read("r", "n")


def test_what_is_put_away_is_found_by_its_reference(url: str) -> None:
    payloads = Payloads([url])
    reference = payloads.put(TEXT)
    assert payloads.get(reference) == TEXT and payloads.put(TEXT) == reference
    assert HASH in reference and reference.endswith(f" {len(TEXT)}")
    assert payloads.put("other" * 10_000) != reference


def test_what_is_not_there_is_named(url: str) -> None:
    payloads = Payloads([url])
    missing = payloads.put(TEXT).replace(HASH, HASH[::-1])
    with pytest.raises(PayloadUnreachable, match=missing.replace("+", r"\+")):
        payloads.get(missing)


def test_what_is_damaged_is_named(url: str, s3: S3, tmp_path: Path) -> None:
    payloads = Payloads([url])
    reference = payloads.put(TEXT)
    for damage in (b"{}", b"\xff" * len(TEXT)):
        if url == "memory:":
            payloads._writer._found[HASH] = damage  # type: ignore[union-attr]
        elif url.startswith("file:"):
            (tmp_path / "payloads" / HASH[:2] / HASH).write_bytes(damage)
        else:
            s3.client.put_object(Bucket="payloads", Key=f"{tmp_path.name}/deep/{HASH}", Body=damage)
        with pytest.raises(PayloadUnreachable, match=r"simpleflow\+.* is damaged: its content has another hash"):
            (payloads if url == "memory:" else Payloads([url])).get(reference)


def test_values_of_any_size_travel_and_are_their_own_again(url: str) -> None:
    codec = Codec(payloads=Payloads([url]))
    large = {"rows": ["x" * 1000] * 40}
    frozen = codec.freeze(large, "it")
    assert frozen.startswith("simpleflow+") and codec.thaw(frozen) == large
    call = codec.freeze_call([large], {"small": 1}, "it", {"__extra": {"class": "flows.W"}}, None)
    assert len(call) < 400 and '"__extra":{"class":"flows.W"}' in call
    assert codec.thaw_call(call) == ([large], {"small": 1})


def test_stores_are_found_by_the_scheme_of_a_reference(tmp_path: Path) -> None:
    old, new = f"file:{tmp_path}/old", f"file:{tmp_path}/new"
    reference = Payloads([old]).put(TEXT)
    both = Payloads([new, old])
    assert both.get(reference) == TEXT and both.put(TEXT) == reference
    assert Payloads([new]).get(reference) == TEXT
    assert not Payloads(["none", old]).writable and Payloads(["none", old]).get(reference) == TEXT
    with pytest.raises(PayloadUnreachable, match="SIMPLEFLOW_PAYLOAD_STORE"):
        Payloads().get(reference)


class Echo(Workflow):
    def run(self, x: str) -> str:
        raise NotImplementedError


def test_large_arguments_and_results_of_a_run_lie_beside_the_engines_file(tmp_path: Path) -> None:
    with Engine(tmp_path / "e.sqlite", long_poll_seconds=0) as engine:
        handle = launch(Echo, [TEXT], {}, StartOptions(domain="D", engine=engine))
        task = engine.poll_for_decision_task(domain="D", taskList={"name": "default"})
        given = json.loads(task["events"][0]["workflowExecutionStartedEventAttributes"]["input"])
        reference = given.pop("__simpleflow_payload")
        assert list(given) == ["__extra"] and reference.startswith("simpleflow+file://")
        done = {"decisionType": "CompleteWorkflowExecution"}
        done |= {"completeWorkflowExecutionDecisionAttributes": {"result": reference}}  # type: ignore[dict-item]
        engine.respond_decision_task_completed(taskToken=task["taskToken"], decisions=[done])
        codec = codec_of(engine)
        assert codec.thaw_call(json.dumps({**given, "__simpleflow_payload": reference})) == ([TEXT], {})
        with pytest.raises(PayloadError, match="the result of"):
            Handle(engine, "D", handle.workflow_id, handle.run_id, Three, codec).result()
        assert handle.result() == {"args": [TEXT], "kwargs": {}}
    assert len(list((tmp_path / "e.sqlite.payloads").glob("??/*"))) == 1


class Three(Workflow):
    def run(self) -> tuple[int, int, int]:
        raise NotImplementedError


# -- files ---------------------------------------------------------------------------------------------------------


def test_writers_at_once_make_one_whole_file(tmp_path: Path) -> None:
    threads = [threading.Thread(target=FileStore(tmp_path).put, args=(TEXT.encode(), HASH)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [path.name for path in tmp_path.glob("??/*")] == [HASH]
    assert (tmp_path / HASH[:2] / HASH).read_text() == TEXT


def test_a_file_that_was_cut_short_is_written_anew(tmp_path: Path) -> None:
    path = tmp_path / HASH[:2] / HASH
    FileStore(tmp_path).put(TEXT.encode(), HASH)
    path.write_text("half")
    FileStore(tmp_path).put(TEXT.encode(), HASH)
    assert path.read_text() == TEXT


def test_what_is_written_is_on_the_disk_before_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    sync, replace = os.fsync, Path.replace

    def synced(descriptor: int) -> None:
        done.append("directory" if os.path.isdir(f"/proc/self/fd/{descriptor}") else "file")  # noqa: PTH112
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(Path, "replace", lambda self, target: (done.append("named"), replace(self, target))[1])
    FileStore(tmp_path).put(TEXT.encode(), HASH)
    assert done == ["file", "named", "directory", "directory"]


def test_a_full_disk_and_a_lost_directory_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(PayloadUnreachable, match=r"cannot be put into .*taken"):
        Payloads([f"file:{tmp_path}/taken"]).put(TEXT)

    def full(self: Path, *args: Any) -> Any:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "open", full)
    with pytest.raises(PayloadUnreachable, match="No space left on device"):
        Payloads([f"file:{tmp_path}/p"]).put(TEXT)
    assert not list((tmp_path / "p").glob("*/*"))


def test_a_reference_leads_to_no_other_file(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s")
    for key in ("../secret", "secret", "..", "a" * 63, f"{HASH}/x"):
        with pytest.raises(PayloadUnreachable):
            Payloads([f"file:{tmp_path}/p"]).get(f"simpleflow+file://{key} 1")


def put(directory: Path, text: str, age: float) -> str:
    """A payload that was put there so many seconds ago; its reference."""
    reference = Payloads([f"file:{directory}"]).put(text)
    digest = reference.split("//")[1].split()[0]
    then = time.time() - age
    os.utime(directory / digest[:2] / digest, (then, then))
    return reference


def test_a_sweep_removes_what_is_old_and_not_mentioned(tmp_path: Path) -> None:
    mentioned, young, inner = (put(tmp_path, text, age) for text, age in (("m", 9 * DAY), ("y", 0), ("i", 9 * DAY)))
    outer = put(tmp_path, f'{{"__simpleflow_payload":"{inner}"}}', 9 * DAY)
    put(tmp_path, "gone", 9 * DAY)
    part = tmp_path / "ab" / "abc.part"
    part.parent.mkdir(exist_ok=True)
    part.write_text("half")
    os.utime(part, (1, 1))
    mentions = [f'{{"result":"{mentioned}"}}', f'{{"input":"{{\\"{outer}\\"}}"}}']
    swept = files.sweep(tmp_path, mentions, time.time() - DAY)
    assert (swept.count, swept.size) == (1, 4) and not part.exists()
    payloads = Payloads([f"file:{tmp_path}"])
    assert [payloads.get(each) for each in (mentioned, young, inner)] == ["m", "y", "i"]
    assert files.sweep(tmp_path, [], time.time() - DAY).count == 3
    assert payloads.get(young) == "y"


def test_what_is_put_away_again_while_a_sweep_looks_stays(tmp_path: Path) -> None:
    reference = put(tmp_path, TEXT, 9 * DAY)

    def mentions() -> Iterator[str]:
        Payloads([f"file:{tmp_path}"]).put(TEXT)
        yield ""

    assert files.sweep(tmp_path, mentions(), time.time() - DAY).count == 0
    assert Payloads([f"file:{tmp_path}"]).get(reference) == TEXT


def test_a_copy_has_what_the_original_has_and_keeps_it(tmp_path: Path) -> None:
    reference = put(tmp_path / "one", TEXT, 9 * DAY)
    assert files.copy(tmp_path / "one", tmp_path / "two") == 1 == files.copy(tmp_path / "one", tmp_path / "two")
    files.sweep(tmp_path / "one", [], time.time())
    assert Payloads([f"file:{tmp_path}/two"]).get(reference) == TEXT


# -- S3 ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def bucket(s3: S3, monkeypatch: pytest.MonkeyPatch) -> S3:
    for name, value in s3.env.items():
        monkeypatch.setenv(name, value)
    return s3


def test_s3_references_are_those_that_simpleflow_has_always_written(bucket: S3) -> None:
    reference = Payloads(["s3://payloads/some/where/"]).put(TEXT)
    assert reference == f"simpleflow+s3://payloads/some/where/{HASH} {len(TEXT)}"
    assert bucket.client.get_object(Bucket="payloads", Key=f"some/where/{HASH}")["Body"].read().decode() == TEXT
    assert Payloads(["s3://payloads"]).put(TEXT) == f"simpleflow+s3://payloads/{HASH} {len(TEXT)}"


@pytest.mark.parametrize(("content", "value"), [('{"a": 1}', {"a": 1}), ("plain words", "plain words"), ('"x"', "x")])
def test_s3_references_that_simpleflow_0_has_written_are_read(bucket: S3, content: str, value: Any) -> None:
    name = f"dir/{uuid4()}"
    bucket.client.put_object(Bucket="payloads", Key=name, Body=content.encode())
    reference = f"simpleflow+s3://payloads/{name} {len(content)}"
    codec = Codec(payloads=Payloads(["memory:"]))
    assert codec.thaw(reference) == value and codec.read(reference) == value
    call = f"dir/{uuid4()}"
    bucket.client.put_object(Bucket="payloads", Key=call, Body=b'{"args": [1], "kwargs": {"t": 2}}')
    assert codec.thaw_call(f"simpleflow+s3://payloads/{call} 33") == ([1], {"t": 2})


def test_s3_is_asked_once_for_what_was_just_read_or_put(bucket: S3, monkeypatch: pytest.MonkeyPatch) -> None:
    payloads = Payloads(["s3://payloads/once"])
    reference = payloads.put(TEXT)
    assert payloads.get(reference) == TEXT
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:1")
    amazon.opened.cache_clear()
    assert payloads.put(TEXT) == reference and payloads.get(reference) == TEXT
    with pytest.raises(PayloadUnreachable, match="cannot be put on S3 as payloads/once/"):
        payloads.put("other" * 10_000)


@pytest.mark.parametrize(("setting", "told"), [("true", "AES256"), ("false", None)])
def test_s3_encrypts_where_it_is_told_to(bucket: S3, setting: str, told: str | None) -> None:
    settings.put_setting("SIMPLEFLOW_S3_SSE", setting)
    try:
        Payloads([f"s3://payloads/encrypted-{setting}"]).put(TEXT)
    finally:
        settings.put_setting("SIMPLEFLOW_S3_SSE", None)
    found = bucket.client.get_object(Bucket="payloads", Key=f"encrypted-{setting}/{HASH}")
    assert (found.get("ServerSideEncryption"), found["ContentType"]) == (told, "text/plain; charset=utf-8")


def test_s3_that_refuses_is_told(bucket: S3) -> None:
    with pytest.raises(PayloadUnreachable, match=r"cannot be put on S3 as nowhere/.*NoSuchBucket"):
        Payloads(["s3://nowhere"]).put(TEXT)


# -- which store ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "engine", "stores"),
    [
        (Config(), "memory", ("memory:",)),
        (Config(), "aws", ()),
        (Config(), "http://127.0.0.1:8042", ("http://127.0.0.1:8042",)),
        (Config(aws_endpoint_url_swf="http://h:1"), "aws", ("http://h:1",)),
        (Config(aws_endpoint_url_swf="https://h:1"), "aws", ()),
        (Config(), "", ()),
        (Config(), "sqlite:/data/engine.sqlite?synchronous=full", ("file:/data/engine.sqlite.payloads",)),
        (Config(payload_store="none"), "sqlite:/data/e", ("none", "file:/data/e.payloads")),
        (Config(payload_store="file:/p"), "http://h:1", ("file:/p", "http://h:1")),
        (Config(payload_store="s3://b/p"), "sqlite:/data/e", ("s3://b/p", "file:/data/e.payloads")),
        (Config(jumbo_fields_bucket="b/dir/"), "aws:eu-west-1", ("s3://b/dir/",)),
        (Config(jumbo_fields_bucket="b", payload_store="none"), "aws", ("none",)),
    ],
)
def test_which_store_an_engine_has(settings: Config, engine: str, stores: tuple[str, ...]) -> None:
    assert settings.payload_stores(engine) == stores


def test_one_file_has_one_directory_whatever_path_leads_to_it(tmp_path: Path) -> None:
    (tmp_path / "link.sqlite").symlink_to(tmp_path / "engine.sqlite")
    assert payload_directory(tmp_path / "link.sqlite") == payload_directory(tmp_path / "engine.sqlite")


@pytest.mark.parametrize("value", ["here", "file:", "s3:bucket", "s3://", "http://x"])
def test_a_store_that_is_none_is_refused(value: str) -> None:
    with pytest.raises(ConfigError, match=r"SIMPLEFLOW_PAYLOAD_STORE=.* takes file:DIRECTORY, s3://BUCKET"):
        read({"SIMPLEFLOW_PAYLOAD_STORE": value})
