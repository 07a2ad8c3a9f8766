"""Sets of news, articles, pictures and recordings: what becomes a file, and that no group is in two parts."""

import io
import lzma

import numpy as np
import pytest
import soundfile
from PIL import Image

from bytesim.datasets.media import sources
from bytesim.datasets.media.build import build_media
from bytesim.errors import BytesimError, FormatError, InputError
from bytesim.training.data.shards import load_shard

RNG = np.random.default_rng(0)


def rows_of(folder, part, name):
    shard = load_shard(folder / f"{name}_{part}.npz")
    return [(shard.row(index)[1], int(shard.label[index])) for index in range(len(shard))]


def news_table(rows):
    lines = ["label,title,description"] + [f'{label},"{title}","{text}"' for label, title, text in rows]
    return lzma.compress("\n".join(lines).encode())


def test_a_news_item_is_title_newline_description(tmp_path):
    train = [(1 + number % 4, f"Title {number}", f"Text, {number}.") for number in range(300)] + [(3, "", "No title.")]
    (tmp_path / "news_train.csv.xz").write_bytes(news_table([*train, (1, "In test", "too")]))
    (tmp_path / "news_test.csv.xz").write_bytes(news_table([(1, "In test", "too")]))
    build = build_media("agnews", [tmp_path / "news_train.csv.xz", tmp_path / "news_test.csv.xz"], out=tmp_path / "out")
    rows = {part: rows_of(tmp_path / "out", part, "agnews") for part in ("train", "dev", "test")}
    assert rows["test"] == [(b"In test\ntoo", 0)]
    assert build.repeated == 1
    everything = rows["train"] + rows["dev"]
    assert (b"No title.", 2) in everything
    assert (b"Title 7\nText, 7.", 3) in everything
    assert 0 < len(rows["dev"]) < 20
    assert not {data for data, _ in rows["train"]} & {data for data, _ in rows["dev"]}


def test_an_article_is_cut_between_paragraphs_and_none_is_lost(tmp_path):
    paragraphs = [[f"{n}:{m} Article " + "word " * 90 for m in range(8)] for n in range(4)]
    articles = "".join(f"= Article {n} =\n" + "\n".join(each) + "\n\n" for n, each in enumerate(paragraphs))
    for name in ("train", "valid", "test"):
        (tmp_path / f"{name}.txt.xz").write_bytes(lzma.compress(articles.replace("Article", name).encode()))
    build_media("wikipedia", [tmp_path / f"{name}.txt.xz" for name in ("train", "valid", "test")], out=tmp_path / "out")
    pieces = [data for data, _ in rows_of(tmp_path / "out", "dev", "wikipedia")]
    assert all(len(piece) < 2600 for piece in pieces)
    wanted = [each.strip().replace("Article", "valid").encode() for article in paragraphs for each in article]
    assert all(b"".join(pieces).count(each) == 1 for each in wanted)
    assert sum(piece.startswith(b"= valid") for piece in pieces) == 4


def arrays(path, **named):
    buffer = io.BytesIO()
    np.savez(buffer, **named)
    path.write_bytes(lzma.compress(buffer.getvalue()))
    return path


def test_pictures_become_bmp_files_with_their_pixels(tmp_path):
    images = RNG.integers(0, 256, (60, 32, 32, 3), np.uint8)
    labels = np.arange(60).astype(np.uint8) % 10
    paths = [arrays(tmp_path / f"{part}.npz.xz", images=images[:n], labels=labels[:n]) for part, n in
             (("train", 60), ("test", 1))]  # fmt: skip
    build_media("cifar10", paths, out=tmp_path / "out")
    (data, label), *_ = rows_of(tmp_path / "out", "test", "cifar10")
    assert label == 0
    assert np.array_equal(np.array(Image.open(io.BytesIO(data))), images[0])
    assert len(rows_of(tmp_path / "out", "train", "cifar10")) + len(rows_of(tmp_path / "out", "dev", "cifar10")) == 59


def test_speakers_are_not_divided(tmp_path):
    count = 240
    names = np.array([f"yes/{number // 3:04x}_nohash_{number % 3}.wav" for number in range(count)])
    samples = RNG.integers(0, 256, (count, 8000), np.uint8)
    samples[:, 0] = np.arange(count) // 3  # whose it is
    path = arrays(
        tmp_path / "s.npz.xz",
        x_train=samples, y_train=np.zeros(count, int), name_train=names,
        x_test=samples[:1], y_test=np.zeros(1, int), name_test=names[:1],
    )  # fmt: skip
    build_media("speech", [path], out=tmp_path / "out")
    speakers = [{data[44] for data, _ in rows_of(tmp_path / "out", part, "speech")} for part in ("train", "dev")]
    assert speakers[1]
    assert not speakers[0] & speakers[1]
    first = rows_of(tmp_path / "out", "train", "speech")[0][0]
    assert soundfile.info(io.BytesIO(first)).samplerate == 8000


@pytest.mark.parametrize("content", [b"", b"noise", lzma.compress(b"noise")])
def test_what_is_no_such_file_is_told(tmp_path, content):
    (tmp_path / "x_train_test.npz.xz").write_bytes(content)
    for name in ("cifar10", "speech", "digits", "agnews", "wikipedia"):
        with pytest.raises(BytesimError):
            build_media(name, [tmp_path / "x_train_test.npz.xz"], out=tmp_path / "out")
    with pytest.raises(BytesimError):
        build_media("digits", [tmp_path / "missing"], out=tmp_path / "out")


def test_a_source_that_unpacks_to_too_much_is_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "_MOST_BYTES", 1000)
    path = tmp_path / "digits.npz.xz"
    path.write_bytes(lzma.compress(bytes(5000)))
    with pytest.raises(InputError, match="longer than the limit of 1,000 bytes, unpacked"):
        sources.read_digits([path])


def test_a_source_of_pickled_objects_is_refused(tmp_path):
    path = arrays(
        tmp_path / "digits.npz.xz",
        **{f"{name}_{part}": np.array([print]) for name in ("x", "y", "index") for part in ("train", "test")},
    )
    with pytest.raises(FormatError, match="is not a file of arrays"):
        sources.read_digits([path])
