"""The studio's server, as a real process that is asked over real sockets."""

import asyncio
import contextlib
import http.client
import io
import itertools
import json
import signal
import socket
import subprocess
import sys
import time
import zipfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np
import pytest
import torch
from PIL import Image
from skimage import data
from studio_server import StudioServer

import colorfuse as cf
from colorfuse.colorizers.registry import colorizers
from colorfuse.studio.coloring import Coloring
from colorfuse.studio.exports import Asked, Export, Exports, SavedOf
from colorfuse.studio.photos import MOST_BYTES, Photos
from colorfuse.studio.server import HOST, PORT, _listening
from colorfuse.studio.worker import Worker

HINTS: list[dict[str, Any]] = [
    {"x": 30, "y": 20, "color": "#c03020", "radius": 3},
    {"path": [[60, 60], [90, 70]], "color": "#2040c0", "radius": 2},
    {"x": 5, "y": 5, "color": None},
]


def jpeg(side: int = 120) -> bytes:
    file = io.BytesIO()
    Image.fromarray(data.coffee()).resize((side, side * 2 // 3)).convert("L").save(file, "JPEG", dpi=(300, 300))
    return file.getvalue()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("secrets") / "photos"
    (root / "album").mkdir(parents=True)
    (root / "a.jpg").write_bytes(jpeg())
    (root / "album" / "b.jpg").write_bytes(jpeg(160))
    (root / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    (root.parent / "outside.jpg").write_bytes(jpeg())
    (root / "link.jpg").symlink_to(root.parent / "outside.jpg")
    (root / "gone.jpg").write_bytes(jpeg())
    return root


@pytest.fixture(scope="module")
def studio(folder: Path) -> Iterator[StudioServer]:
    with StudioServer(folder) as running:
        yield running
        assert running.stop() == ""


@pytest.fixture(scope="module")
def photo(studio: StudioServer) -> str:
    return studio.send(jpeg(), "cup.jpg")


class TestPhotos:
    def test_a_folder_is_listed_without_what_is_outside(self, studio: StudioServer) -> None:
        state = studio.ask("state").json
        assert [each["name"] for each in state["photos"]] == ["a.jpg", "album/b.jpg", "broken.png", "gone.jpg"]
        methods = {each["name"]: each for each in state["methods"]}
        assert methods["fusion"] == {"name": "fusion", "takesHints": True, "takesReference": True}
        assert methods["levin2004"] == {"name": "levin2004", "takesHints": True, "takesReference": False}
        assert methods["welsh2002"] == {"name": "welsh2002", "takesHints": False, "takesReference": True}
        assert "deshpande2015" not in methods

    def test_a_photo_is_described_and_shown(self, studio: StudioServer, photo: str) -> None:
        about = studio.ask(f"photos/{photo}").json
        assert about == {
            "name": "cup.jpg",
            "height": 80,
            "width": 120,
            "previewWidth": 120,
            "bits": 8,
            "kind": "gray",
        }
        shown = studio.ask(f"photos/{photo}/original")
        assert Image.open(io.BytesIO(shown.content)).size == (120, 80)

    def test_large_photos_are_shown_smaller(self, studio: StudioServer) -> None:
        file = io.BytesIO()
        Image.fromarray(np.arange(60_000, dtype=np.uint16).reshape(200, 300) % 65_000).resize((4000, 20)).save(
            file, "TIFF"
        )
        about = studio.ask(f"photos/{studio.send(file.getvalue(), 'wide.tif')}").json
        assert (about["width"], about["previewWidth"], about["bits"]) == (4000, 1600, 16)

    @pytest.mark.parametrize("name", ["../../etc/passwd", "..\\..\\a.jpg", "/etc/passwd", "%00", "x" * 5000, ""])
    def test_names_are_only_names(self, studio: StudioServer, name: str) -> None:
        answer = studio.ask(f"photos?name={name}", jpeg())
        assert answer.status == 201
        assert not {"/", "\\", "\0"} & set(answer.json["name"])
        assert 0 < len(answer.json["name"]) <= 150
        assert studio.ask(f"photos/{answer.json['id']}").status == 200

    def test_what_is_missing_to_read_a_format_is_said(self, studio: StudioServer) -> None:
        heic = studio.send(b"\0\0\0\x18ftypheic" + bytes(100), "a.heic")
        said = "a.heic is no image that can be read; install pillow-heif and register it"
        assert studio.ask(f"photos/{heic}").json["error"] == said

    @pytest.mark.slow
    def test_too_large_files_are_refused(self, studio: StudioServer) -> None:
        chunk = bytes(1 << 20)
        many = itertools.repeat(chunk, (MOST_BYTES >> 20) + 1)
        connection = http.client.HTTPConnection("127.0.0.1", studio.port)
        connection.request(
            "POST",
            f"/{studio.token}/photos?name=a.jpg",
            many,
            encode_chunked=True,
            headers={"Transfer-Encoding": "chunked"},
        )
        response = connection.getresponse()
        assert response.status == 413
        assert json.loads(response.read()) == {"error": "a.jpg has more than 1 GiB"}
        connection.close()


class TestColors:
    def test_marks_change_the_colours(self, studio: StudioServer, photo: str) -> None:
        plain = studio.ask(f"photos/{photo}/colors", {})
        marked = studio.ask(f"photos/{photo}/colors", {"hints": HINTS})
        images = [np.asarray(Image.open(io.BytesIO(each.content))).astype(int) for each in (plain, marked)]
        assert images[1].shape == (80, 120, 3)
        assert images[1][20, 30, 0] > images[1][20, 30, 2] + 40
        assert images[1][65, 75, 2] > images[1][65, 75, 0] + 40
        assert abs(images[0] - images[1]).max() > 40
        about = json.loads(unquote(marked.headers["About"]))
        assert about["notes"] == []
        assert all(len(color) == 7 for color in about["palette"])

    def test_suggestions_and_uncertainty(self, studio: StudioServer, photo: str) -> None:
        found = studio.ask(f"photos/{photo}/suggestions", {"x": 60, "y": 40}).json
        assert sum(each["share"] for each in found) == pytest.approx(1)
        assert all(each["color"].startswith("#") for each in found)
        overlay = Image.open(io.BytesIO(studio.ask(f"photos/{photo}/uncertainty", {}).content))
        assert (overlay.size, overlay.mode) == ((120, 80), "RGBA")

    def test_other_methods_and_references(self, studio: StudioServer, photo: str) -> None:
        file = io.BytesIO()
        Image.fromarray(data.coffee()).save(file, "PNG")
        reference = studio.send(file.getvalue(), "like.png")
        for method, more in (
            ("levin2004", {"hints": HINTS}),
            ("welsh2002", {"reference": reference}),
            ("fusion", {"reference": reference}),
        ):
            answer = studio.ask(f"photos/{photo}/colors", {"method": method, **more})
            assert answer.status == 200, answer.content
        refused = studio.ask(f"photos/{photo}/colors", {"method": "welsh2002"})
        assert (refused.status, "reference" in refused.json["error"]) == (400, True)

    def test_a_drawing_in_black_and_white_is_named_as_one(self, studio: StudioServer) -> None:
        file = io.BytesIO()
        Image.fromarray(data.coffee()).convert("1").save(file, "PNG")
        answer = studio.ask(f"photos/{studio.send(file.getvalue(), 'halftone.png')}/colors", {})
        assert json.loads(unquote(answer.headers["About"]))["notes"][0].startswith(
            "halftone.png stays without colour"
        )

    @pytest.mark.parametrize(
        ("body", "said"),
        [
            ({"hints": [{"x": 120, "y": 0, "color": "red"}]}, "the hint at row 0, column 120 is outside the photo"),
            ({"hints": [{"x": 1, "y": 0, "color": "rad"}]}, "'rad' is no colour"),
            ({"hints": [7]}, "hints.0"),
            ({"hints": [{"x": 0, "y": 0, "color": "red"}] * 10_001}, "hints: List should have at most 10000 items"),
            ({"method": "levn2004"}, "levin2004"),
            ({"method": "../x"}, "../x"),
            ({"saturation": -1}, "saturation must be a number from 0 to 100"),
            ({"saturation": "much"}, "saturation"),
            (b"{", "JSON"),
            (b"[]", "the request"),
            (b" " * (9 << 20), "there are too many marks"),
        ],
    )
    def test_what_is_wrong_is_said_in_a_line(self, studio: StudioServer, photo: str, body: Any, said: str) -> None:
        answer = studio.ask(f"photos/{photo}/colors", body)
        assert answer.status in (400, 413)
        assert said in answer.json["error"]
        assert "\n" not in answer.json["error"]


class TestSaving:
    @pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif"])
    def test_the_page_and_the_shell_give_the_same_bytes(
        self, studio: StudioServer, photo: str, tmp_path: Path, suffix: str
    ) -> None:
        saved = studio.ask(f"photos/{photo}/save", {"hints": HINTS, "saturation": 1.2, "suffix": suffix})
        assert saved.headers["Content-Disposition"] == f'attachment; filename="cup-colored{suffix}"'
        (tmp_path / "cup.jpg").write_bytes(jpeg())
        (tmp_path / "cup.json").write_text(json.dumps({"photo": "cup.jpg", "hints": HINTS}))
        command = [
            Path(sys.executable).with_name("colorfuse"),
            "colorize",
            tmp_path / "cup.jpg",
            "-o",
            tmp_path / f"out{suffix}",
        ]
        options = [
            "--hints",
            tmp_path / "cup.json",
            "--model",
            "interactive",
            "--saturation",
            "1.2",
            "--device",
            "cpu",
        ]
        subprocess.run([*map(str, command), *map(str, options)], check=True)
        assert saved.content == (tmp_path / f"out{suffix}").read_bytes()
        assert cf.read_photo(io.BytesIO(saved.content)).metadata.dpi == pytest.approx((300, 300), abs=0.1)

    def test_other_formats_are_refused(self, studio: StudioServer, photo: str) -> None:
        for suffix in (".exe", "../x.png", ""):
            assert "is no format to save in" in studio.ask(f"photos/{photo}/save", {"suffix": suffix}).json["error"]

    def test_all_photos_come_in_one_file_that_names_those_that_failed(
        self, studio: StudioServer, folder: Path
    ) -> None:
        (folder / "gone.jpg").unlink()
        photos = [{"id": each["id"], "suffix": ".jpg"} for each in studio.ask("state").json["photos"]]
        photos[0]["hints"] = HINTS
        export = studio.ask("exports", {"photos": photos}).json["id"]
        archive = zipfile.ZipFile(io.BytesIO(studio.ask(f"exports/{export}").content))
        assert archive.testzip() is None
        assert archive.namelist() == ["a-colored.jpg", "album/b-colored.jpg", "not-colored.txt"]
        errors = archive.read("not-colored.txt").decode().splitlines()
        assert [line.split()[0] for line in errors] == ["broken.png", "gone.jpg:"]
        assert str(folder.parent) not in "".join(errors)
        progress = studio.ask(f"exports/{export}/progress").json
        assert progress == {"done": 4, "total": 4, "errors": errors, "finished": True}
        same = studio.ask(f"photos/{photos[0]['id']}/save", {"hints": HINTS, "suffix": ".jpg"}).content
        assert archive.read("a-colored.jpg") == same

    def test_what_cannot_be_coloured_is_named_whatever_the_message(self, studio: StudioServer, photo: str) -> None:
        photos = [{"id": photo, "suffix": ".png", "method": "levin2004"}]
        export = studio.ask("exports", {"photos": photos}).json["id"]
        archive = zipfile.ZipFile(io.BytesIO(studio.ask(f"exports/{export}").content))
        name = studio.ask(f"photos/{photo}").json["name"]
        assert archive.read("not-colored.txt").decode().startswith(f"{name}: levin2004 takes its colours from hints")

    def test_an_export_that_nobody_receives_any_more_ends(self, studio: StudioServer, photo: str) -> None:
        photos = [{"id": photo, "suffix": ".png"}] * 200
        export = studio.ask("exports", {"photos": photos}).json["id"]
        with socket.create_connection(("127.0.0.1", studio.port)) as connection:
            asked = f"GET /{studio.token}/exports/{export} HTTP/1.1\r\nHost: 127.0.0.1:{studio.port}\r\n\r\n"
            connection.sendall(asked.encode())
            assert connection.recv(100).startswith(b"HTTP/1.1 200")
        for _ in range(100):
            progress = studio.ask(f"exports/{export}/progress").json
            if progress["finished"]:
                break
            time.sleep(0.1)
        assert progress["finished"]
        assert progress["done"] < 200


class TestGuard:
    def test_others_are_kept_out(self, studio: StudioServer, photo: str) -> None:
        host = f"127.0.0.1:{studio.port}"
        for headers in (
            {"Origin": "http://evil.example"},
            {"Origin": "null"},
            {"Origin": f"http://127.0.0.1:{studio.port + 1}"},
            {"Host": f"evil.example:{studio.port}"},
            {"Host": "127.0.0.1"},
            {"Sec-Fetch-Site": "cross-site"},
            {"Sec-Fetch-Site": "same-site"},
        ):
            for path, body in (("", None), ("state", None), (f"photos/{photo}/colors", {})):
                answer = studio.ask(path, body, headers=headers)
                assert answer.status == 403, (headers, path)
                assert "Access-Control-Allow-Origin" not in answer.headers
        followed = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
        assert studio.ask("", headers=followed).status == 200
        assert studio.ask("state", headers=followed).status == 403
        assert studio.ask(f"/{studio.token}").headers["Location"] == f"/{studio.token}/"
        assert (
            studio.ask("state", headers={"Origin": f"http://{host}", "Sec-Fetch-Site": "same-origin"}).status == 200
        )

    @pytest.mark.parametrize("path", ["/", "/state", "//", "/x/state", "/{}x/state", "/page/main.js", "/../{}/state"])
    def test_without_the_token_there_is_nothing(self, studio: StudioServer, path: str) -> None:
        answer = studio.ask(path.format(studio.token))
        assert answer.status in (403, 404)
        assert studio.token not in answer.content.decode()

    def test_answers_are_for_this_page_only(self, studio: StudioServer) -> None:
        headers = studio.ask("").headers
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert "server" not in headers

    @pytest.mark.parametrize(
        "path",
        [
            "page/../app.py",
            "page/%2e%2e/app.py",
            "page/..%2fapp.py",
            "page//etc/passwd",
            "page/%2fetc%2fpasswd",
            "photos/../../outside.jpg",
            "photos/..%2F..%2Foutside.jpg",
            "photos/outside.jpg/original",
            "photos/link.jpg/original",
            "exports/../state",
            "exports/..%2Fstate",
        ],
    )
    def test_nothing_else_can_be_read(self, studio: StudioServer, path: str) -> None:
        answer = studio.ask(path)
        assert answer.status == 404
        assert str(Path.home()) not in answer.content.decode()

    def test_a_way_up_is_no_photo_in_any_field(self, studio: StudioServer, photo: str, folder: Path) -> None:
        for way in ("../outside.jpg", str(folder.parent / "outside.jpg"), "link.jpg"):
            for path, body in (
                (f"photos/{photo}/colors", {"reference": way}),
                (f"photos/{photo}/colors", {"method": way}),
                (f"photos/{photo}/colors", {"hints": [{"x": way, "y": 0, "color": way}]}),
                (f"photos/{photo}/suggestions", {"x": 1, "y": 1, "reference": way}),
                (f"photos/{photo}/save", {"suffix": way}),
                ("exports", {"photos": [{"id": way}]}),
            ):
                assert studio.ask(path, body).status in (400, 404), (path, body)

    def test_messages_have_no_paths_of_this_machine(self, studio: StudioServer, folder: Path) -> None:
        ids = {each["name"]: each["id"] for each in studio.ask("state").json["photos"]}
        for key in (ids["broken.png"], studio.send(b"no photo", "mine.jpg")):
            answer = studio.ask(f"photos/{key}")
            assert answer.status == 400
            assert answer.json["error"].split()[0] in ("broken.png", "mine.jpg")
            assert not any(secret in answer.json["error"] for secret in (str(folder.parent), "colorfuse-studio"))

    def test_unknown_photos_are_unknown(self, studio: StudioServer) -> None:
        answer = studio.ask("photos/0123456789abcdef")
        assert (answer.status, answer.json["error"]) == (
            404,
            "the studio does not have this photo any more; open it again",
        )
        assert studio.ask("exports/0123456789abcdef").status == 404


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_what_was_sent_is_removed_at_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sent: int) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with StudioServer() as studio:
        studio.send(jpeg())
        assert list(tmp_path.glob("colorfuse-studio-*/*"))
        studio.process.send_signal(sent)
        studio.process.wait(30)
    assert not list(tmp_path.glob("colorfuse-studio-*"))


def test_methods_that_need_settings_are_not_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(colorizers, "_registered", {name: colorizers.factory(name) for name in cf.list_colorizers()})

    @cf.register_colorizer("tinted")
    class Tinted(cf.Colorizer):
        def __init__(self, color: str) -> None:
            self.color = color

    @cf.register_colorizer("broken")
    class Broken(cf.Colorizer):
        def __init__(self) -> None:
            raise ImportError("no such library")

        def render_ab(self, lightness: torch.Tensor) -> torch.Tensor:
            return lightness

    with (
        contextlib.closing(Photos()) as photos,
        pytest.warns(UserWarning, match="^broken is passed over: ImportError"),
    ):
        offered = {each["name"] for each in Coloring(photos).methods}
    assert {"fusion", "levin2004", "welsh2002"} <= offered
    assert not {"tinted", "broken", "deshpande2015"} & offered


def test_photos_that_were_removed_to_make_room_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    async def content() -> AsyncIterator[bytes]:
        yield jpeg()

    async def exported(exports: Exports, export: Export) -> bytes:
        return b"".join([piece async for piece in exports.content(export)])

    with contextlib.closing(Photos()) as photos:
        worker = Worker()
        exports = Exports(Coloring(photos), worker)
        first = asyncio.run(photos.receive("first.jpg", content()))
        export = exports[exports.add(Asked(photos=[SavedOf(id=first.id)]))]
        monkeypatch.setattr("colorfuse.studio.photos._KEPT_BYTES", 1)
        asyncio.run(photos.receive("second.jpg", content()))
        archive = zipfile.ZipFile(io.BytesIO(asyncio.run(exported(exports, export))))
        assert archive.read("not-colored.txt").startswith(b"first.jpg: the studio does not have this photo any more")
        assert export.finished
        worker.stop()


def test_without_a_port_the_next_free_one_is_taken() -> None:
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError):  # another studio has it
            stack.enter_context(socket.create_server((HOST, PORT)))
        assert PORT < stack.enter_context(_listening(None)).getsockname()[1] < PORT + 100


def test_a_folder_is_shown_though_its_only_photo_is_broken(tmp_path: Path) -> None:
    (tmp_path / "text.jpg").write_text("no photo")
    with StudioServer(tmp_path) as studio:
        (listed,) = studio.ask("state").json["photos"]
        assert "text.jpg is no image that can be read" in studio.ask(f"photos/{listed['id']}").json["error"]


def test_wrong_arguments_are_named(studio: StudioServer, tmp_path: Path) -> None:
    command = [str(Path(sys.executable).with_name("colorfuse")), "studio", "--no-browser"]
    (tmp_path / "text.jpg").write_text("no photo")
    (tmp_path / "empty").mkdir()
    for arguments, said in (
        ([str(tmp_path / "nowhere")], "does not exist; give a photo or a folder of photos"),
        ([str(tmp_path / "empty")], "no photos in"),
        ([str(tmp_path / "text.jpg")], "text.jpg is no image that can be read"),
        (["--port", str(studio.port)], f"port {studio.port} cannot be listened on"),
        (["--model", str(tmp_path / "nowhere")], "nowhere is neither a folder"),
    ):
        done = subprocess.run([*command, *arguments], capture_output=True, text=True, check=False)
        assert done.returncode == 2
        assert said in done.stderr
        assert done.stderr.count("\n") == 1
