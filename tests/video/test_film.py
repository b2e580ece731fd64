"""What a coloured film keeps of the film that it was, and what is said of films that cannot be coloured."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import torch
from faults import at_most_bytes_a_file, small_disk
from films import LOSSLESS, Flickering, Obedient, Sepia, Tinted, packets, pan, read_film, write_film
from skimage import data

import colorfuse as cf
from colorfuse.video.options import Progress
from colorfuse.video.working import gray_bytes

COMMAND = str(Path(sys.executable).with_name("colorfuse"))


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    cf.FusionColorizer(backbone="test_efficientnet", pretrained=False, image_size=32).initialize().save(folder)
    return folder


def lightness(frames: np.ndarray[Any, Any]) -> torch.Tensor:
    return cf.rgb_to_lab(torch.from_numpy(frames).movedim(-1, 1))[:, :1]


@pytest.mark.parametrize(
    ("suffix", "options"),
    [(".ts", {}), (".webm", {"encoder": "libvpx-vp9", "encoder_options": {"cpu-used": "8"}})],
)
def test_other_formats_keep_times_too(tmp_path: Path, suffix: str, options: dict[str, Any]) -> None:
    film = write_film(tmp_path / "film.mkv", pan(12))
    Sepia().predict_video(film, tmp_path / f"out{suffix}", **options)
    times = read_film(tmp_path / f"out{suffix}")[0]
    assert [time - times[0] for time in times] == pytest.approx([40 * index for index in range(12)], abs=1)


def test_chapters_and_the_shape_of_pixels_are_kept(tmp_path: Path) -> None:
    chapters = [
        {"id": 1, "start": 0, "end": 200, "time_base": Fraction(1, 1000), "metadata": {"title": "One"}},
        {"id": 2, "start": 200, "end": 480, "time_base": Fraction(1, 1000), "metadata": {"title": "Two"}},
    ]
    film = write_film(tmp_path / "film.mkv", pan(12), aspect=Fraction(4, 3), chapters=chapters)
    Sepia().predict_video(film, tmp_path / "out.mkv")
    for path in (film, tmp_path / "out.mkv"):
        with av.open(str(path)) as container:
            chapters_of: Any = container.chapters()
            found = [(its["metadata"]["title"], round(1000 * its["start"] * its["time_base"])) for its in chapters_of]
            assert found == [("One", 0), ("Two", 200)]
            assert container.streams.video[0].sample_aspect_ratio == Fraction(4, 3)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".mov"])
def test_times_size_and_sound_are_kept(tmp_path: Path, suffix: str) -> None:
    times = np.cumsum([0, *[1, 3, 2, 1, 5] * 6]).tolist()
    film = write_film(tmp_path / f"film{suffix}", pan(len(times)), times=times, time_base=Fraction(1, 50), sound=2.0)
    report = Sepia().predict_video(film, tmp_path / f"out{suffix}")
    before, after = read_film(film), read_film(tmp_path / f"out{suffix}")
    assert after[0] == before[0]
    assert after[1].shape == before[1].shape
    assert packets(tmp_path / f"out{suffix}", "audio") == packets(film, "audio")
    with av.open(str(film)) as one, av.open(str(tmp_path / f"out{suffix}")) as other:
        assert other.duration == pytest.approx(one.duration, abs=60_000)
        assert other.metadata["title"] == "A film"
    assert (report.frames, report.shots, report.damaged) == (len(times), 1, 0)
    assert report.seconds == pytest.approx(times[-1] / 50, abs=0.1)
    assert not (tmp_path / f"out{suffix}.segments").exists()


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_times_of_less_than_a_millisecond_are_kept(tmp_path: Path, suffix: str) -> None:
    times = [time for pair in range(15) for time in (6000 * pair, 6000 * pair + 30)]
    film = write_film(tmp_path / "film.mp4", pan(30), times=times, time_base=Fraction(1, 90000))
    Sepia().predict_video(film, tmp_path / f"out{suffix}")
    assert len(read_film(tmp_path / f"out{suffix}")[1]) == 30
    if suffix == ".mp4":  # Matroska rounds them
        with av.open(str(tmp_path / "out.mp4")) as out:
            assert [round(frame.time * 90000) for frame in out.decode(video=0)] == times


@pytest.mark.parametrize("suffix", [".mov", ".mp4"])
def test_timecodes_are_left_out(tmp_path: Path, suffix: str) -> None:
    plain = write_film(tmp_path / "plain.mov", pan(8))
    with av.open(str(plain)) as source, av.open(str(tmp_path / "film.mov"), "w") as container:
        video = container.add_stream_from_template(source.streams.video[0])
        video.metadata["timecode"] = "01:00:00:00"
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = video
                container.mux(packet)
    with av.open(str(tmp_path / "film.mov")) as film:
        assert film.streams.video[0].metadata["timecode"] == "01:00:00:00"
    Sepia().predict_video(tmp_path / "film.mov", tmp_path / f"out{suffix}")
    assert len(read_film(tmp_path / f"out{suffix}")[0]) == 8


def test_times_of_hints_are_those_of_a_film_whose_sound_begins_first(tmp_path: Path) -> None:
    times = [500 + 40 * index for index in range(12)]
    film = write_film(tmp_path / "film.mkv", pan(12), times=times, time_base=Fraction(1, 1000), sound=1.0)
    report = Obedient().predict_video(film, tmp_path / "out.mkv", hints={"0.9": [(5, 5, "red")]})
    assert report.seconds == pytest.approx(0.98, abs=0.05)
    with pytest.raises(cf.HintsError, match=r"'1\.2' is after the end of the film, which takes 0\.9"):
        Obedient().predict_video(film, tmp_path / "out.mkv", hints={"1.2": [(5, 5, "red")]})


def test_subtitles_are_kept(tmp_path: Path) -> None:
    words = [(0, 400, "Gray"), (500, 300, "goes")]
    film = write_film(tmp_path / "film.mkv", pan(25), words=words)
    Sepia().predict_video(film, tmp_path / "out.mkv")
    assert packets(tmp_path / "out.mkv", "subtitle") == [(0, b"Gray"), (500, b"goes")]
    with pytest.raises(cf.VideoError, match=r"out.mp4 cannot hold .*subtitle \(subrip|srt\).* write a .mkv"):
        Sepia().predict_video(film, tmp_path / "out.mp4")
    assert not (tmp_path / "out.mp4").exists()


def test_colours_are_those_of_the_photo_and_lightness_stays(tmp_path: Path) -> None:
    film = write_film(tmp_path / "film.mkv", pan(8), codec="ffv1", pixels="gray")
    Flickering().predict_video(film, tmp_path / "out.mkv", steadiness=0, **LOSSLESS)
    colored = read_film(tmp_path / "out.mkv")[1]
    assert (lightness(colored) - lightness(read_film(film)[1])).abs().max() < 0.5
    Sepia().predict_video(film, tmp_path / "brown.mkv", steadiness=0, **LOSSLESS)
    for frame, gray in zip(read_film(tmp_path / "brown.mkv")[1], pan(8), strict=True):
        np.testing.assert_array_equal(frame, Sepia().predict(gray))


def test_saturation_and_others_are_those_of_predict(tmp_path: Path) -> None:
    film = write_film(tmp_path / "film.mkv", pan(3), codec="ffv1", pixels="gray")
    options: dict[str, Any] = {"saturation": 0.5, "upsample": "bilinear", "render_size": 40}
    Tinted().predict_video(film, tmp_path / "out.mkv", steadiness=0, **options, **LOSSLESS)
    frames = read_film(tmp_path / "out.mkv")[1]
    np.testing.assert_array_equal(frames[1], Tinted().predict(pan(3)[1], **options))
    assert (frames[1] != Tinted().predict(pan(3)[1], saturation=0.5)).any()


def test_steadied_colours_flicker_less(tmp_path: Path) -> None:
    film = write_film(tmp_path / "film.mkv", pan(24))

    def change(steadiness: float) -> float:
        Flickering().predict_video(film, tmp_path / "out.mkv", steadiness=steadiness, **LOSSLESS)
        ab = cf.rgb_to_lab(torch.from_numpy(read_film(tmp_path / "out.mkv")[1]).movedim(-1, 1))[:, 1:]
        return float((ab[1:, ..., :-1] - ab[:-1, ..., 1:]).norm(dim=1).mean())

    assert change(0.9) < 0.25 * change(0)


@pytest.mark.parametrize("rotation", [90, -90, 180])
def test_frames_are_turned_upright(tmp_path: Path, rotation: int) -> None:
    frames = [np.full((96, 128), 128, np.uint8) for _ in range(2)]
    for frame in frames:
        frame[:20] = 250  # at the top, as it is stored
    film = write_film(tmp_path / "film.mp4", frames, rotation=rotation)
    Sepia().predict_video(film, tmp_path / "out.mkv", **LOSSLESS)
    shown = read_film(tmp_path / "out.mkv")[1][0]
    # A display rotation is counter-clockwise: what was at the top is at the left, at the right, or at the bottom.
    side = {90: shown[:, :12], -90: shown[:, -12:], 180: shown[-12:]}[rotation]
    assert shown.shape == ((128, 96, 3) if rotation != 180 else (96, 128, 3))
    assert side.mean() > 200 > 150 > shown.mean()


def test_ten_bits_stay_ten_bits(tmp_path: Path) -> None:
    deep = [(frame.astype(np.uint16) << 8) + 128 for frame in pan(3)]
    film = write_film(tmp_path / "film.mkv", deep, kind="gray16le", codec="ffv1", pixels="yuv420p10le")
    for name, kind in (("out.mkv", "yuv420p10le"), ("eight.mkv", "yuv420p")):
        options: dict[str, Any] = {"encoder": "libvpx-vp9"} if name == "eight.mkv" else {}
        Sepia().predict_video(film, tmp_path / name, **options)
        with av.open(str(tmp_path / name)) as container:
            assert container.streams.video[0].format.name == kind
    assert len(np.unique(_luma(tmp_path / "out.mkv"))) > 256


def _luma(path: Path) -> np.ndarray[Any, Any]:
    with av.open(str(path)) as container:
        return np.stack([frame.to_ndarray(format="gray16le") for frame in container.decode(video=0)])


def test_odd_sizes_get_another_row_and_column(tmp_path: Path) -> None:
    film = write_film(tmp_path / "film.mkv", [frame[:71, :93] for frame in pan(3)], codec="ffv1", pixels="gray")
    Sepia().predict_video(film, tmp_path / "out.mkv", **LOSSLESS)
    frame = read_film(tmp_path / "out.mkv")[1][0]
    assert frame.shape == (72, 94, 3)
    np.testing.assert_array_equal(frame[-1], frame[-2])
    np.testing.assert_array_equal(frame[:71, :93], Sepia().predict(pan(3)[0][:71, :93]))


def test_a_single_frame_is_a_film(tmp_path: Path) -> None:
    film = write_film(tmp_path / "film.mp4", pan(1))
    assert Sepia().predict_video(film, tmp_path / "out.mp4").frames == 1
    assert len(read_film(tmp_path / "out.mp4")[0]) == 1


def test_damaged_frames_are_counted(tmp_path: Path) -> None:
    film = write_film(tmp_path / "film.mp4", pan(60), crf="10", sound=2.4)
    stored = bytearray(film.read_bytes())
    middle = len(stored) // 2
    stored[middle : middle + 600] = bytes(np.random.default_rng(0).integers(0, 256, 600, np.uint8))
    film.write_bytes(stored)
    report = Sepia().predict_video(film, tmp_path / "out.mp4")
    assert 0 < report.damaged < 20
    assert 50 < report.frames <= 60
    assert len(read_film(tmp_path / "out.mp4")[0]) == report.frames


def test_a_film_that_is_cut_off_is_coloured_as_far_as_it_goes(tmp_path: Path) -> None:
    film = write_film(tmp_path / "film.mkv", pan(60), crf="10", sound=2.4)
    film.write_bytes(film.read_bytes()[: film.stat().st_size // 2])
    report = Sepia().predict_video(film, tmp_path / "out.mkv")
    assert 10 < report.frames < 60
    assert len(read_film(tmp_path / "out.mkv")[0]) == report.frames


def test_a_film_that_is_gone_when_it_is_joined_is_named(tmp_path: Path) -> None:
    film = write_film(tmp_path / "film.mkv", pan(6))

    def remove(progress: Progress) -> None:
        if progress.stage == "colours" and progress.frames == 6:
            film.unlink()

    with pytest.raises(FileNotFoundError, match=r"film\.mkv") as caught:
        Sepia().predict_video(film, tmp_path / "out.mkv", progress=remove)
    assert "cannot be written to" not in str(caught.value)


@pytest.mark.parametrize("missing", ["av", "cv2"])
def test_what_is_not_installed_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    film = write_film(tmp_path / "film.mp4", pan(2))
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(ImportError, match=r"films need PyAV and OpenCV: pip install 'colorfuse\[video\]'"):
        Sepia().predict_video(film, tmp_path / "out.mp4")


def test_sound_that_ends_before_the_film_is_kept(tmp_path: Path) -> None:
    film = write_film(tmp_path / "film.mp4", pan(50), sound=0.5)
    Sepia().predict_video(film, tmp_path / "out.mp4")
    assert packets(tmp_path / "out.mp4", "audio") == packets(film, "audio")


def test_what_is_no_film_is_named(tmp_path: Path) -> None:
    (tmp_path / "words.mp4").write_text("no film")
    with av.open(str(tmp_path / "sound.mp4"), "w") as container:
        stream: Any = container.add_stream("aac", rate=16000)
        silence = av.AudioFrame.from_ndarray(np.zeros((1, 4096), np.float32), "fltp", "mono")
        silence.rate = 16000
        container.mux(stream.encode(silence))
        container.mux(stream.encode(None))
    film = write_film(tmp_path / "film.mp4", pan(2))
    unknown = bytearray(write_film(tmp_path / "film.avi", pan(2), codec="mpeg4").read_bytes())
    (tmp_path / "codec.avi").write_bytes(unknown.replace(b"FMP4", b"QQQQ").replace(b"fmp4", b"qqqq"))
    output = tmp_path / "out.mp4"
    with pytest.raises(cf.VideoError, match=r"words.mp4 is no film that can be read: Invalid data"):
        Sepia().predict_video(tmp_path / "words.mp4", output)
    with pytest.raises(cf.VideoError, match=r"sound.mp4 has no video"):
        Sepia().predict_video(tmp_path / "sound.mp4", output)
    with pytest.raises(cf.VideoError, match=r"codec.avi has video of a codec that this PyAV cannot decode"):
        Sepia().predict_video(tmp_path / "codec.avi", output)
    with pytest.raises(FileNotFoundError):
        Sepia().predict_video(tmp_path / "none.mp4", output)
    with pytest.raises(cf.VideoError, match=r"film.mp4 would be overwritten"):
        Sepia().predict_video(film, film)
    with pytest.raises(cf.VideoError, match=r"out.xyz is no film that can be written; use one of .mp4, .m4v, "):
        Sepia().predict_video(film, tmp_path / "out.xyz")
    with pytest.raises(ValueError, match=r"PyAV has no encoder 'libx999' here"):
        Sepia().predict_video(film, output, encoder="libx999")
    with pytest.raises(cf.VideoError, match=r"out.webm cannot hold libx264; write a .mkv, or use another encoder"):
        Sepia().predict_video(film, tmp_path / "out.webm")
    (tmp_path / "folder.mp4").mkdir()
    with pytest.raises(cf.VideoError, match=r"folder.mp4 is a folder"):
        Sepia().predict_video(film, tmp_path / "folder.mp4")
    with pytest.raises(ValueError, match=r"libx264 does not encode with {'preset': 'hasty'}"):
        Sepia().predict_video(film, output, encoder_options={"preset": "hasty"})
    with pytest.raises(ValueError, match=r"libx264 has no option crff; ffmpeg -h encoder=libx264 lists"):
        Sepia().predict_video(film, output, encoder_options={"crff": 3})
    with pytest.raises(ValueError, match=r"steadiness must be a number from 0 up to but excluding 1, not 1"):
        Sepia().predict_video(film, output, steadiness=1)
    with pytest.raises(ValueError, match=r"this Sepia takes no hints"):
        Sepia().predict_video(film, output, hints={0: [(1, 1, "red")]})
    assert sorted(path.name for path in tmp_path.iterdir() if "out" in path.name) == []


@pytest.mark.slow
def test_an_interrupted_film_goes_on(tmp_path: Path) -> None:
    film = write_film(tmp_path / "film.mkv", pan(500, side=64), sound=2.0)

    def stop(progress: Progress) -> None:
        if progress.stage == "colours" and progress.frames == 300:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Tinted().predict_video(film, tmp_path / "out.mkv", progress=stop, **LOSSLESS)
    assert sorted(path.name for path in (tmp_path / "out.mkv.segments").iterdir()) == [
        "000000.mkv", "000001.safetensors", "film.json", "scan.json"
    ]  # fmt: skip
    begun: list[Progress] = []
    Tinted().predict_video(film, tmp_path / "out.mkv", progress=begun.append, **LOSSLESS)
    assert (begun[0].stage, begun[0].frames, begun[0].total) == ("colours", 240, 500)
    assert begun[0].rate == pytest.approx(25, rel=0.01)
    Tinted().predict_video(film, tmp_path / "at-once.mkv", **LOSSLESS)
    resumed, at_once = read_film(tmp_path / "out.mkv"), read_film(tmp_path / "at-once.mkv")
    assert resumed[0] == at_once[0] == read_film(film)[0]
    np.testing.assert_array_equal(resumed[1], at_once[1])


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".ts", ".avi", ".flv", ".mpg"])
def test_films_of_all_kinds_go_on(tmp_path: Path, suffix: str) -> None:
    codec = {".mpg": "mpeg2video"}.get(suffix, "libx264")
    film = write_film(tmp_path / f"film{suffix}", pan(260, side=64), codec=codec, g="250")

    def stop(progress: Progress) -> None:
        if progress.stage == "colours" and progress.frames == 250:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Tinted().predict_video(film, tmp_path / "out.mkv", progress=stop, **LOSSLESS)
    report = Tinted().predict_video(film, tmp_path / "out.mkv", **LOSSLESS)
    Tinted().predict_video(film, tmp_path / "whole.mkv", **LOSSLESS)
    resumed, whole = read_film(tmp_path / "out.mkv")[1], read_film(tmp_path / "whole.mkv")[1]
    assert len(resumed) == report.frames >= 259
    np.testing.assert_array_equal(resumed, whole)


@pytest.mark.parametrize(("encoder", "name"), [("libsvtav1", "out.mp4"), ("prores_ks", "out.mov"), ("ffv1", "o.mkv")])
def test_other_encoders(tmp_path: Path, encoder: str, name: str) -> None:
    film = write_film(tmp_path / "film.mkv", pan(30))
    Sepia().predict_video(film, tmp_path / name, encoder=encoder)
    times, frames = read_film(tmp_path / name)
    assert times == read_film(film)[0]
    warmth = frames[..., 0].astype(float).mean() - frames[..., 2].astype(float).mean()
    expected = Sepia().predict(pan(1)[0])
    assert warmth == pytest.approx(expected[..., 0].mean() - expected[..., 2].mean(), abs=4)


@pytest.mark.skipif(not hasattr(os, "sched_getscheduler"), reason="only Linux tells")
def test_encoders_leave_the_thread_as_it_was_scheduled(tmp_path: Path) -> None:
    before = os.sched_getscheduler(0)
    film = write_film(tmp_path / "film.mkv", pan(3))
    Sepia().predict_video(film, tmp_path / "out.mp4", encoder="libsvtav1")  # makes its threads real-time, for root
    assert os.sched_getscheduler(0) == before


def test_a_recording_that_starts_late_starts_at_once(tmp_path: Path) -> None:
    times = [15000 + index for index in range(50)]
    film = write_film(tmp_path / "film.ts", pan(50), times=times, sound=1.0)
    Sepia().predict_video(film, tmp_path / "out.mp4")
    begin, *_, end = read_film(tmp_path / "out.mp4")[0]
    assert end - begin == 1960


def test_recordings_put_one_after_another_go_on(tmp_path: Path) -> None:
    one = write_film(tmp_path / "one.ts", pan(30), sound=1.2).read_bytes()
    (tmp_path / "both.ts").write_bytes(one + one)
    report = Sepia().predict_video(tmp_path / "both.ts", tmp_path / "out.mkv")
    assert report.frames >= 58
    assert len(read_film(tmp_path / "out.mkv")[0]) == report.frames
    sound = [at for at, _ in packets(tmp_path / "out.mkv", "audio")]
    assert sound == sorted(sound)
    assert len(sound) == len(packets(tmp_path / "both.ts", "audio"))


def stopping_at(frames: int, begun: list[int]) -> Callable[[Progress], None]:
    """Collect how many frames are coloured, and interrupt the run at some number of them."""

    def stop(progress: Progress) -> None:
        if progress.stage == "colours":
            begun.append(progress.frames)
            if progress.frames == frames:
                raise KeyboardInterrupt

    return stop


@pytest.mark.slow
def test_other_settings_begin_anew(tmp_path: Path) -> None:
    film = write_film(tmp_path / "film.mkv", pan(300, side=64))
    begun: list[int] = []
    stop = stopping_at(260, begun)
    for saturation in (1.0, 0.5):
        begun.clear()
        with pytest.raises(KeyboardInterrupt):
            Sepia().predict_video(film, tmp_path / "out.mkv", saturation=saturation, progress=stop)
        assert begun[0] == 0


@pytest.mark.slow
def test_another_reference_begins_anew(tmp_path: Path) -> None:
    frames = [np.zeros((64, 64), np.uint8)] * 3 + [*pan(257, side=64)]
    film = write_film(tmp_path / "film.mkv", frames)
    begun: list[int] = []
    stop = stopping_at(250, begun)
    welsh = cf.create_colorizer("welsh2002", render_size=64, samples=25)
    photos = [data.astronaut()[::4, ::4], data.coffee()[::4, ::4]]
    for reference, first in ((photos[0], 0), (photos[1], 0), (photos[1], 240)):
        begun.clear()
        with pytest.raises(KeyboardInterrupt):
            welsh.predict_video(film, tmp_path / "out.mkv", reference=reference, progress=stop)
        assert begun[0] == first


@pytest.mark.slow
def test_a_killed_process_loses_at_most_a_segment(model: Path, tmp_path: Path) -> None:
    film = write_film(tmp_path / "film.mp4", pan(600, side=64))
    command = [COMMAND, "colorize", str(film), "-o", str(tmp_path / "out.mp4"), "--model", str(model)]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    first = tmp_path / "out.mp4.segments" / "000000.mkv"
    while not first.exists():
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    begun: list[Progress] = []
    colorizer = cf.FusionColorizer.from_pretrained(model).optimized()
    colorizer.predict_video(film, tmp_path / "out.mp4", progress=begun.append)
    assert next(each.frames for each in begun if each.stage == "colours") >= 240
    assert len(read_film(tmp_path / "out.mp4")[0]) == 600


def test_a_full_disk_says_how_to_go_on(tmp_path: Path) -> None:
    film = write_film(tmp_path / "film.mkv", pan(40))
    with (
        at_most_bytes_a_file(20_000),
        pytest.raises(OSError, match=r"File too large; make room, and go on by the same command"),
    ):
        Sepia().predict_video(film, tmp_path / "out.mkv", **LOSSLESS)
    with small_disk(tmp_path / "disk", 60) as disk:
        with pytest.raises(OSError, match=r"No space left on device; make room, and go on by the same command"):
            Sepia().predict_video(film, disk / "out.mkv", **LOSSLESS)
        assert not (disk / "out.mkv").exists()


def test_two_processes_do_not_write_one_film(tmp_path: Path) -> None:
    film = write_film(tmp_path / "film.mkv", pan(5))

    def again(progress: Progress) -> None:
        with pytest.raises(cf.VideoError, match=rf"out.mkv is being written by process {os.getpid()}"):
            Sepia().predict_video(film, tmp_path / "out.mkv")

    Sepia().predict_video(film, tmp_path / "out.mkv", progress=again)


def test_hints_hold_for_their_shot(tmp_path: Path) -> None:
    coffee = np.asarray(data.coffee())[..., 1][100:196, 100:228]
    film = write_film(tmp_path / "film.mkv", [*pan(10), *[coffee] * 10, *pan(10)])
    hints: dict[str | float, Any] = {"0.6": [(40, 60, "#884422", 6)]}
    Obedient().predict_video(film, tmp_path / "out.mkv", hints=hints, **LOSSLESS)
    lab = cf.rgb_to_lab(torch.from_numpy(read_film(tmp_path / "out.mkv")[1]).movedim(-1, 1))
    chroma = lab[:, 1:].norm(dim=1).flatten(1).mean(dim=1)
    assert (chroma[:10] < 1).all()
    assert (chroma[10:20] > 10).all()
    assert (chroma[20:] < 1).all()
    with pytest.warns(UserWarning, match="array has no pixel of at least half opacity, so no hints"):
        Obedient().predict_video(film, tmp_path / "none.mkv", hints={0: [], "0.5": np.zeros((96, 128, 4), np.uint8)})
    veiled = np.zeros((96, 128, 4), np.uint8)
    veiled[20:40, 20:40] = [200, 60, 30, 160]
    Obedient().predict_video(film, tmp_path / "veiled.mkv", hints={0: veiled}, **LOSSLESS)
    assert np.ptp(read_film(tmp_path / "veiled.mkv")[1][0].astype(int), axis=-1)[30, 30] > 20
    with pytest.raises(cf.HintsError, match=r"'0.01' is the time of a frame that another time names as well"):
        Obedient().predict_video(film, tmp_path / "out.mkv", hints={0: [(1, 1, "red")], "0.01": [(2, 2, "red")]})
    with pytest.raises(cf.HintsError, match=r"'0:02' is after the end of the film, which takes 1.20 seconds"):
        Obedient().predict_video(film, tmp_path / "out.mkv", hints={"0:02": [(1, 1, "red")]})
    with pytest.raises(cf.HintsError, match=r'given for times, as in {"00:01:12.5": ...}, not as a list'):
        Obedient().predict_video(film, tmp_path / "out.mkv", hints=[(1, 1, "red")])  # type: ignore[arg-type]


def test_names_with_colons_are_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    film = write_film(tmp_path / "film.mkv", pan(3))
    monkeypatch.chdir(tmp_path)
    Sepia().predict_video(film, Path("12:30.mp4"))
    assert len(read_film(tmp_path / "12:30.mp4")[0]) == 3


def test_what_a_killed_process_left_beside_the_film_is_removed(tmp_path: Path) -> None:
    film = write_film(tmp_path / "film.mkv", pan(3))
    (tmp_path / ".colorfuse-00000000-1-1-00000000.mp4").touch()
    os.utime(tmp_path / ".colorfuse-00000000-1-1-00000000.mp4", (0, 0))
    Sepia().predict_video(film, tmp_path / "out.mp4")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["film.mkv", "out.mp4"]


def test_memory_for_hints_is_bounded_by_how_far_they_are_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    film = write_film(tmp_path / "film.mkv", pan(40))
    monkeypatch.setattr("colorfuse.video.plan._REACH", 5)  # 10,000 frames make a test long
    kept: list[Any] = []

    def seen(lightness: Any) -> Any:
        kept.append(gray_bytes(lightness))
        return kept[-1]

    monkeypatch.setattr("colorfuse.video.plan.gray_bytes", seen)
    hints: dict[str | float, Any] = {"0.8": [(40, 60, "red", 6)]}
    Obedient().predict_video(film, tmp_path / "out.mkv", hints=hints, steadiness=0, **LOSSLESS)
    assert len(kept) == 11
    chroma = np.ptp(read_film(tmp_path / "out.mkv")[1].astype(int), axis=-1).max(axis=(1, 2))
    assert (chroma[15:26] > 20).all()
    assert (chroma[:15] < 5).all()
    assert (chroma[26:] < 5).all()


def test_references_hold_for_the_film_or_their_shot(tmp_path: Path) -> None:
    film = write_film(tmp_path / "film.mkv", [*pan(6), *[np.asarray(data.coffee())[..., 1][:96, :128]] * 6])
    colorizer = cf.create_colorizer("welsh2002").set_params(render_size=48)
    options: dict[str, Any] = {"steadiness": 0, **LOSSLESS}
    colorizer.fit(data.astronaut()).predict_video(film, tmp_path / "fit.mkv", **options)
    unfitted = cf.create_colorizer("welsh2002").set_params(render_size=48)
    unfitted.predict_video(film, tmp_path / "alone.mkv", reference=data.chelsea(), **options)
    colorizer.predict_video(film, tmp_path / "own.mkv", reference={0.3: data.chelsea()}, **options)
    colorizer.predict_video(film, tmp_path / "all.mkv", reference=data.chelsea(), **options)
    fit, own, everywhere = (read_film(tmp_path / name)[1] for name in ("fit.mkv", "own.mkv", "all.mkv"))
    np.testing.assert_array_equal(own[:6], fit[:6])
    np.testing.assert_array_equal(own[6:], everywhere[6:])
    assert (own[6:] != fit[6:]).any()
    np.testing.assert_array_equal(read_film(tmp_path / "alone.mkv")[1], everywhere)
    unfitted.predict_video(film, tmp_path / "first.mkv", reference={0.3: data.chelsea()}, **options)
    np.testing.assert_array_equal(read_film(tmp_path / "first.mkv")[1], everywhere)
    with pytest.raises(cf.HintsError, match=r"two references are for the shot from 0.24 s on; give one for both"):
        colorizer.predict_video(
            film, tmp_path / "two.mkv", reference={0.3: data.chelsea(), 0.4: data.coffee()}, **options
        )


LONG = """
import resource, sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from films import Sepia
Sepia().predict_video(Path(sys.argv[2]), Path(sys.argv[2] + ".out.mkv"))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.slow
def test_memory_does_not_grow_with_the_film(tmp_path: Path) -> None:
    helpers = Path(__file__).parents[1] / "helpers"
    peaks = []
    for count in (500, 1800):  # after fewer, Numba is not loaded yet
        film = write_film(tmp_path / f"{count}.mkv", pan(count, side=192))
        done = subprocess.run([sys.executable, "-c", LONG, helpers, film], capture_output=True, text=True, check=True)
        peaks.append(int(done.stdout))
    assert peaks[1] - peaks[0] < 40_000  # kilobytes; the gray frames alone have 55,000


@pytest.mark.slow
def test_the_shell_colours_a_film(model: Path, tmp_path: Path) -> None:
    film = write_film(tmp_path / "film.mp4", pan(10), sound=0.4)

    def run(*arguments: object) -> tuple[int, str]:
        command = [COMMAND, "colorize", *map(str, arguments), "--model", str(model)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return done.returncode, done.stderr.strip().splitlines()[-1] if done.stderr else ""

    assert run(film, "-o", tmp_path / "out.mp4", "--steadiness", 0.5, "--encoder-option", "crf=30")[0] == 0
    assert len(read_film(tmp_path / "out.mp4")[0]) == 10
    assert run(film, "-o", tmp_path / "films")[0] == 0
    assert (tmp_path / "films" / "film.mp4").exists()
    cf.write_photo(tmp_path / "photo.png", data.camera())
    assert run(tmp_path / "photo.png", "-o", tmp_path / "out.png", "--steadiness", 0.5) == (
        2, f"colorfuse: --steadiness is for films; {tmp_path / 'photo.png'} is none"
    )  # fmt: skip
    assert run(film, tmp_path / "photo.png", "-o", tmp_path / "o") == (
        2, f"colorfuse: {film} is a film; films are coloured one by one"
    )  # fmt: skip
    assert run(film, "-o", tmp_path / "o.mp4", "--page", 1) == (
        2, f"colorfuse: --page is for photos; {film} is a film"
    )  # fmt: skip
    assert run(film, "-o", tmp_path / "o.mp4", "--encoder-option", "crf") == (
        2, "colorfuse: --encoder-option crf must be name=value, as in crf=20"
    )  # fmt: skip
    (tmp_path / "hints.json").write_text("{")
    code, said = run(film, "-o", tmp_path / "o.mp4", "--hints", tmp_path / "hints.json")
    assert (code, said.startswith(f"colorfuse: {tmp_path / 'hints.json'} is no JSON")) == (2, True)


@pytest.mark.slow
def test_a_browser_plays_the_film(tmp_path: Path) -> None:
    from playwright.sync_api import sync_playwright

    film = write_film(tmp_path / "film.mp4", pan(30, side=96), sound=1.2)
    Sepia().predict_video(film, tmp_path / "out.mp4")
    page = tmp_path / "page.html"
    page.write_text('<video src="out.mp4" muted></video>')
    with sync_playwright() as playwright:
        options = ["--no-sandbox", "--allow-file-access-from-files"]
        chromium = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=options)
        tab = chromium.new_page()
        tab.goto(page.as_uri())
        found = tab.evaluate(
            """async () => {
                const video = document.querySelector("video");
                await video.play();
                await new Promise((ended, failed) => { video.onended = ended; video.onerror = failed; });
                const canvas = new OffscreenCanvas(video.videoWidth, video.videoHeight);
                const context = canvas.getContext("2d");
                context.drawImage(video, 0, 0);
                const [red, green, blue] = context.getImageData(60, 40, 1, 1).data;
                return [video.videoWidth, video.videoHeight, video.duration, red - blue];
            }"""
        )
        chromium.close()
    width, height, duration, warmth = found
    assert (width, height) == (128, 96)
    assert duration == pytest.approx(1.2, abs=0.1)
    assert warmth > 10
