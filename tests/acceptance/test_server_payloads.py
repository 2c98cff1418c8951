"""Large texts at a server: put there in parts, read by their hash, signed, and refused in words."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from serving import Server, shared
from shell import Project
from simpleflow.exceptions import PayloadUnreachable
from simpleflow.payload.notes import Notes
from simpleflow.payload.server import PART, ServerStore
from simpleflow.payload.shelf import Shelf
from simpleflow.payload.store import Payloads

TEXT = "é" * PART + "x" * 1000  # two parts and a bit
DATA = TEXT.encode()
HASH = hashlib.sha256(DATA).hexdigest()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    path = tmp_path_factory.mktemp("payloads")
    with shared(path, "--host", "0.0.0.0", "--access-keys", "keys") as running:
        yield running


@pytest.fixture
def url(server: Server, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAOURS")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret/+of=ours")
    return server.url.replace("0.0.0.0", "127.0.0.1")


def test_a_text_comes_and_goes_in_parts_and_is_sent_once(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    payloads = Payloads([url])
    asked: list[str] = []
    ask = ServerStore._ask
    monkeypatch.setattr(
        ServerStore, "_ask", lambda self, *what: (asked.append(f"{what[0]} {what[1][64:]}"), ask(self, *what))[1]
    )
    reference = payloads.put(TEXT)
    assert reference == f"simpleflow+file://{HASH} {len(TEXT)}" == payloads.put(TEXT)
    assert asked == ["PUT /0", f"PUT /{PART}", f"PUT /{2 * PART}", "POST "]
    assert payloads.get(reference) == TEXT == payloads.get(reference)
    assert asked[4:] == ["GET /0", f"GET /{PART}", f"GET /{2 * PART}", f"GET /{len(DATA)}"]
    Payloads([url]).put(TEXT)  # by another process


def test_what_is_not_there_and_who_may_not_ask(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    missing = f"simpleflow+file://{HASH[::-1]} 5"
    with pytest.raises(PayloadUnreachable) as caught:
        Payloads([url]).get(missing)
    assert str(caught.value) == f"{url}: the payload {missing} is not there: There is no text {HASH[::-1]} here"
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    with pytest.raises(PayloadUnreachable, match="cannot be put there: The request signature we calculated"):
        Payloads([url]).put(TEXT)
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.setenv("HOME", "/nonexistent")
    with pytest.raises(PayloadUnreachable, match="Missing Authentication Token; SIMPLEFLOW_PAYLOAD_STORE names"):
        Payloads([url]).put(TEXT)


def test_notes_at_a_server(project: Project) -> None:
    server = Server(project, "--engine", f"sqlite:{project.path}/e.sqlite")
    notes, here = Notes([server.url]), Notes([f"file:{project.path}/e.sqlite.payloads"])
    assert notes.read("22a-b_=", "7.output") is None
    for text in ("first", "sécond"):
        notes.write("22a-b_=", "7.output", text)
        assert notes.read("22a-b_=", "7.output") == text == here.read("22a-b_=", "7.output")
    server.end()
    with pytest.raises(PayloadUnreachable, match=r"a note on 22a-b_= cannot be written: .* a note cannot be put there"):
        notes.write("22a-b_=", "7.output", "x")


def test_a_place_that_keeps_nothing_is_told(project: Project) -> None:
    none = Server(project, "--engine", "memory", SIMPLEFLOW_PAYLOAD_STORE="none")
    with pytest.raises(PayloadUnreachable, match=r"cannot be put there: There is nothing at /payloads/.*; SIMPLEFLOW_"):
        Payloads([none.url]).put(TEXT)
    none.end()
    with pytest.raises(PayloadUnreachable, match=rf"^{none.url}: a payload of .* bytes cannot be put there: "):
        Payloads([none.url]).put(TEXT)


def test_odd_requests_are_refused_in_words(project: Project) -> None:
    server = Server(project, "--engine", f"sqlite:{project.path}/e.sqlite")
    for method, path, status, said in (
        ("PUT", f"/payloads/{HASH}", 404, "nothing at"),
        ("PUT", f"/payloads/{HASH}/-1", 404, "nothing at"),
        ("PUT", f"/payloads/{HASH}/1/2", 404, "nothing at"),
        ("PUT", f"/payloads/{HASH}/{'9' * 13}", 404, "nothing at"),
        ("PUT", "/payloads/../1", 400, "is no SHA-256"),
        ("GET", f"/payloads/{HASH.upper()}/0", 400, "is no SHA-256"),
        ("POST", "/payloads/secret", 400, "is no SHA-256"),
        ("POST", "/payloads/notes/22a%3D/7.output", 405, "takes GET and PUT"),
        ("PUT", "/payloads/notes/..%2Fx/7.output", 400, "names no note on a run"),
        ("PUT", "/payloads/notes/22a/../../7.output", 400, "names no note on a run"),
        ("PUT", "/payloads/notes/22a/output", 400, "names no note on a run"),
        ("POST", f"/payloads/{HASH}", 400, "missing: send all of them again"),
        ("DELETE", f"/payloads/{HASH}", 405, "takes GET, PUT, POST"),
    ):
        answer = server.send(method, path, b"x")
        assert (answer[0], said in answer[2].decode()) == (status, True), (method, path, answer)
    assert server.send("PUT", f"/payloads/{HASH}/0", b"x" * (PART + 1))[0] == 413
    payloads = project.path / "e.sqlite.payloads"
    assert not list(payloads.glob("??/*"))
    (payloads / HASH[:2]).mkdir(parents=True)
    (payloads / HASH[:2] / f"{HASH}.part").mkdir()
    answer = server.send("PUT", f"/payloads/{HASH}/0", b"x")
    assert answer[0] == 503 and b"cannot be kept or read" in answer[2] and b"Is a directory" in answer[2]
    server.end()
    assert "Traceback" not in "\n".join(server.command.err)


# -- the files -----------------------------------------------------------------------------------------------------


def written(shelf: Shelf, *parts: int) -> Shelf:
    for number in parts:
        at = number * 1000
        shelf.write(HASH, at, DATA[at : at + (1000 if number < 9 else len(DATA))])
    return shelf


def test_a_text_is_kept_when_it_is_whole(tmp_path: Path) -> None:
    shelf = Shelf([str(tmp_path / "new"), str(tmp_path / "old")])
    assert not written(shelf, 0, 2, 1, 9).finish(HASH), "some are missing"
    assert not list((tmp_path / "new").glob("??/*")) and shelf.read(HASH, 0, 9) is None
    assert written(shelf, *range(9, -1, -1)).finish(HASH)
    assert written(shelf, 0).finish(HASH), "another one that sends it does no harm"
    assert shelf.finish(HASH), "nor one that comes too late"
    assert [path.name for path in (tmp_path / "new").glob("??/*")] == [HASH]
    assert shelf.read(HASH, 5000, 3) == DATA[5000:5003] and shelf.read(HASH, len(DATA), 3) == b""
    only = Shelf([str(tmp_path / "other"), str(tmp_path / "new")])
    assert only.read(HASH, 0, len(DATA)) == DATA
    for call in (lambda: only.read(f"../new/{HASH}", 0, 1), lambda: only.write("..", 0, b""), lambda: only.finish("x")):
        with pytest.raises(ValueError, match="is no SHA-256"):
            call()


def test_a_full_disk_is_told(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(OSError, match="taken"):
        Shelf([str(tmp_path / "taken")]).write(HASH, 0, b"x")
