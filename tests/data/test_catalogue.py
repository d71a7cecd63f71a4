import hashlib
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from amalthea.data import SPLITS, catalogue, read
from amalthea.errors import UserError

DEBIAN = Path("/usr/share/datasets/fashion-mnist")
needs_debian = pytest.mark.skipif(
    not DEBIAN.is_dir(), reason="Debian's package dataset-fashion-mnist is not installed"
)
URL = "http://pictures.invalid/folder/tiny.bin?download=1"


@pytest.fixture(scope="module")
def sets():
    """Tiny data sets, which tensorflow-datasets knows by their names in snake case."""
    import tensorflow_datasets as tfds
    from tensorflow_datasets.core.download.checksums import UrlInfo

    class Tiny(tfds.core.GeneratorBasedBuilder, skip_registration=True):
        VERSION = tfds.core.Version("1.0.0")
        url_infos = None
        shape = (2, 3, 1)
        generated = 0

        def _info(self):
            label = tfds.features.ClassLabel(names=["cat", "dog"])
            first = tfds.features.Image(shape=self.shape) if self.shape else tfds.features.Text()
            key = "image" if self.shape else "review"
            return self.dataset_info_from_configs(
                features=tfds.features.FeaturesDict({key: first, "label": label}),
                supervised_keys=(key, "label"),
            )

        def _split_generators(self, dl_manager):
            self.begin(dl_manager)
            return {split: self._generate_examples(split) for split in self.counts}

        def begin(self, dl_manager):
            pass

        def _generate_examples(self, split):
            type(self).generated += 1
            for i in range(self.counts[split]):
                shape = [side or 4 + i for side in self.shape]
                value = {"train": 0, "validation": 100, "test": 200}[split] + i
                if not shape:
                    yield i, {"review": f"It was {split}, na\u00efve: {value}!", "label": i % 2}
                    continue
                yield i, {"image": np.full(shape, value, np.uint8), "label": i % 2}

    def wait(self, dl_manager):
        time.sleep(0.5)

    def fail(self, dl_manager):
        raise RuntimeError("out of luck\nin many lines")

    def download(self, dl_manager):
        assert Path(dl_manager.download(URL)).read_bytes() == b"tiny"

    info = UrlInfo(4, hashlib.sha256(b"tiny").hexdigest(), "tiny.bin")

    def tiny(name, counts, **members):
        return type(name, (Tiny,), {"counts": counts, "__module__": __name__, **members})

    return SimpleNamespace(
        train_test=tiny("TinyTrainTest", {"train": 40, "test": 6}),
        train=tiny("TinyTrain", {"train": 40}),
        train_validation=tiny("TinyTrainValidation", {"train": 40, "validation": 6}),
        all=tiny("TinyAll", {"train": 40, "validation": 6, "test": 5}),
        test=tiny("TinyTest", {"test": 5}),
        texts=tiny("TinyTexts", {"train": 40, "test": 6}, shape=()),
        texts_all=tiny("TinyTextsAll", {"train": 9, "validation": 6, "test": 5}, shape=()),
        mixed=tiny("TinyMixed", {"train": 20}, shape=(None, None, 3)),
        slow=tiny("TinySlow", {"train": 20}, begin=wait),
        failing=tiny("TinyFailing", {"train": 20}, begin=fail),
        download=tiny("TinyDownload", {"train": 20}, begin=download, url_infos={URL: info}),
    )


@pytest.fixture(autouse=True)
def data_dir(tmp_path: Path, monkeypatch) -> Path:
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "tfds"))
    return tmp_path / "tfds"


@pytest.fixture
def offline(monkeypatch):
    monkeypatch.setattr(catalogue, "reachable", lambda url: False)


def pixels(name: str, split: str) -> list[int]:
    return sorted(read(name, split).images[:, 0, 0, 0].tolist())


def test_a_set_is_prepared_once_and_read_with_its_classes(sets, data_dir, capfd, caplog):
    images = read("tiny_train_test")
    assert (images.images.shape, images.images.dtype) == ((36, 2, 3, 1), np.uint8)
    assert (images.labels == images.images[:, 0, 0, 0] % 2).all()
    assert images.class_names == ("cat", "dog")
    assert images.name == "tiny_train_test, split train"
    where = data_dir / "tiny_train_test" / "1.0.0"
    out, err = capfd.readouterr()
    assert out == caplog.text == ""
    assert [line for line in err.splitlines() if "tiny" in line] == [
        f"amalthea: preparing tiny_train_test in {where}, only once"
    ]
    again = read("tiny_train_test")
    np.testing.assert_array_equal(again.images, images.images)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("name", "sizes", "tested"),
    [
        ("tiny_train_test", (36, 4, 6, 40), 200),
        ("tiny_train", (32, 4, 4, 36), 0),
        ("tiny_train_validation", (36, 4, 6, 40), 100),
        ("tiny_all", (40, 6, 5, 46), 200),
    ],
)
def test_own_splits_are_used_and_missing_ones_cut_off_the_training_images(
    sets, name, sizes, tested
):
    parts = {split: pixels(name, split) for split in SPLITS}
    assert tuple(len(parts[split]) for split in SPLITS) == sizes
    assert sorted(parts["train"] + parts["validation"]) == parts["train+validation"]
    assert not set(parts["train+validation"]) & set(parts["test"])
    assert min(parts["test"]) // 100 * 100 == tested


def test_a_set_without_training_images_is_refused(sets):
    with pytest.raises(UserError, match="tiny_test has no images to train with, only test"):
        read("tiny_test")


def test_images_of_different_sizes_need_a_size(sets):
    with pytest.raises(UserError, match=r"tiny_mixed differ in size.*image_size= or --image-size"):
        read("tiny_mixed")
    assert sets.mixed.generated == 0  # noticed before the work
    images = read("tiny_mixed", image_size=(5, 6))
    assert images.images.shape == (16, 5, 6, 3)
    assert (images.labels == images.images[:, 0, 0, 0] % 2).all()


@pytest.mark.parametrize(
    ("name", "sizes", "words"),
    [
        ("tiny_texts", (36, 4, 6, 40), 36),
        pytest.param("tiny_texts_all", (9, 6, 5, 15), 9, marks=pytest.mark.slow),
    ],
)
def test_texts_with_a_class_each_are_read_by_the_words_of_the_training_texts(
    sets, name, sizes, words
):
    parts = {split: read(name, split) for split in SPLITS}
    assert tuple(len(parts[split]) for split in SPLITS) == sizes
    (feature,) = {part.features["text"] for part in parts.values()}
    assert {"it", "was", "train", "na\u00efve"} < set(feature.vocabulary)
    assert len(feature.vocabulary) == 2 + 4 + words
    test = parts["test"]
    assert test.columns["text"][0].startswith("It was test, na\u00efve: 20")
    assert test.features["label"].names == ("cat", "dog")
    for text, label in zip(test.columns["text"], test.columns["label"], strict=True):
        assert int(text[-2]) % 2 == label
    with pytest.raises(UserError, match="has no images, which alone have an image_size"):
        read(name, image_size=3)
    assert read(name, sequence_length=2).given("text").shape[1] == 2


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("fashion_mnits", "no data set 'fashion_mnits' .did you mean fashion_mnist"),
        ("digit", "no data set 'digit' .did you mean digits.*images:FOLDER, arrays:FILE.npz"),
        ("qqqqqqqq", "no data set 'qqqqqqqq': use digits, .*, such as mnist"),
        ("", "no data set ''"),
        (
            "iris",
            r"iris is no set .* consists of features \(Tensor\), label \(ClassL",
        ),
        ("tiny_shakespeare", r"is no set of images or texts with a class each, it .*\(Text\)"),
        ("emnist/roman", "emnist has no configuration 'roman', it offers one of byclass, bymerge"),
        ("mnist/small", "mnist has no configuration 'small', it offers none"),
    ],
)
def test_names_of_sets_without_classes_are_refused(name, sentence):
    with pytest.raises(UserError, match=sentence):
        read(name)


def test_two_that_prepare_at_once_wait_for_each_other(sets):
    results, stdout = [], sys.stdout
    threads = [
        threading.Thread(target=lambda: results.append(len(read("tiny_slow")))) for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [16, 16]
    assert sets.slow.generated == 1
    assert sys.stdout is stdout


def test_another_process_that_prepares_is_waited_for(sets, data_dir):
    data_dir.mkdir()
    code = (
        "import sys, time, filelock\n"
        "with filelock.FileLock(sys.argv[1]):\n"
        "    print('locked', flush=True)\n"
        "    time.sleep(1)\n"
    )
    lock = data_dir / ".tiny_train.lock"
    command = [sys.executable, "-c", code, str(lock)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "locked\n"
        start = time.monotonic()
        read("tiny_train")
        assert time.monotonic() - start > 0.8


def test_a_failure_is_one_sentence_and_does_not_harm_the_next_load(sets, data_dir, monkeypatch):
    with pytest.raises(UserError, match=r"^tiny_failing could not .*Error, out of luck$"):
        read("tiny_failing")
    assert not list(data_dir.glob("tiny_failing/*"))
    monkeypatch.setattr(sets.failing, "begin", lambda self, dl_manager: None)
    assert len(read("tiny_failing")) == 16


def test_what_a_killed_process_leaves_does_not_harm_the_next_load(sets, data_dir):
    left = data_dir / "tiny_train" / "incomplete.ABCDEF_1.0.0"
    left.mkdir(parents=True)
    (left / "tiny_train-train.tfrecord-00000-of-00001").write_bytes(b"half")
    (data_dir / ".tiny_train.lock").touch()
    assert len(read("tiny_train")) == 32


def test_an_incomplete_copy_of_a_set_is_named(sets, data_dir):
    (data_dir / "tiny_train" / "1.0.0").mkdir(parents=True)
    with pytest.raises(UserError, match=r"tiny_train/1.0.0, which is incomplete; remove that"):
        read("tiny_train")


def test_without_network_and_files_it_says_what_to_put_where(sets, data_dir, offline):
    with pytest.raises(UserError) as error:
        read("tiny_download")
    assert str(error.value) == (
        "tiny_download cannot be prepared: tiny.bin is not there and the network does not reach "
        "pictures.invalid; connect it, or put the original files (tiny.bin) into "
        f"{data_dir}/downloads/manual, or name their folder as tiny_download:/path/to/folder"
    )


def test_without_network_it_fails_at_once(sets):
    start = time.monotonic()
    with pytest.raises(UserError, match="the network does not reach"):
        read("tiny_download")  # from a host whose name cannot exist
    assert time.monotonic() - start < 1


def test_original_files_are_found_in_their_usual_place(sets, data_dir, offline):
    manual = data_dir / "downloads" / "manual"
    manual.mkdir(parents=True)
    (manual / "tiny.bin").write_bytes(b"tiny")
    assert len(read("tiny_download")) == 16


def test_original_files_are_found_in_the_folder_named(sets, tmp_path, offline):
    (tmp_path / "tiny.bin").write_bytes(b"tiny")
    assert len(read(f"tiny_download:{tmp_path}")) == 16
    assert len(read("tiny_download:/no/matter/once/prepared")) == 16


def test_a_named_folder_is_never_replaced_by_a_download(sets, tmp_path, monkeypatch):
    monkeypatch.setattr(catalogue, "reachable", lambda url: pytest.fail("asked the network"))
    with pytest.raises(UserError, match=r"must hold the .* \(tiny.bin\), but tiny.bin is not th"):
        read(f"tiny_download:{tmp_path}")
    with pytest.raises(UserError, match=r"there is no folder .*missing with the original files"):
        read(f"tiny_download:{tmp_path}/missing")


def test_files_that_are_not_the_original_ones_are_refused(sets, tmp_path):
    (tmp_path / "tiny.bin").write_bytes(b"else")
    with pytest.raises(UserError, match=f"{tmp_path}/tiny.bin, has wrong checksum$"):
        read(f"tiny_download:{tmp_path}")


def test_with_a_network_the_download_is_left_to_tensorflow_datasets(sets, tmp_path, monkeypatch):
    from tensorflow_datasets.core.download import DownloadManager

    asked = []

    def download(self, resource):
        from promise import Promise

        asked.append(resource.url)
        (tmp_path / "tiny.bin").write_bytes(b"tiny")
        return Promise.resolve(tmp_path / "tiny.bin")

    monkeypatch.setattr(catalogue, "reachable", lambda url: True)
    monkeypatch.setattr(DownloadManager, "_download", download)
    assert len(read("tiny_download")) == 16
    assert asked == [URL]


@pytest.fixture
def listening(monkeypatch):
    """The port of a server on this machine, without any proxy set."""
    for variable in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(variable, raising=False)
        monkeypatch.delenv(variable.upper(), raising=False)
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_host_is_reachable_if_it_accepts_connections(listening):
    assert catalogue.reachable(f"http://127.0.0.1:{listening}/file")
    assert not catalogue.reachable("http://127.0.0.1:9/file")
    assert not catalogue.reachable("http://pictures.invalid/file")


def test_behind_a_proxy_the_proxy_counts(listening, monkeypatch):
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{listening}")
    assert catalogue.reachable("http://pictures.invalid/file")
    monkeypatch.setenv("no_proxy", "pictures.invalid")
    assert not catalogue.reachable("http://pictures.invalid/file")
    monkeypatch.setenv("http_proxy", "127.0.0.1:9")
    assert not catalogue.reachable("http://localhost/file")


def test_a_name_server_that_does_not_answer_is_not_waited_for(listening, monkeypatch):
    answered = threading.Event()

    def wait(*_, **__):
        answered.wait()
        raise OSError("no such host")

    monkeypatch.setattr(socket, "create_connection", wait)
    start = time.monotonic()
    assert not catalogue.reachable(f"http://127.0.0.1:{listening}/file")
    assert time.monotonic() - start < 1
    answered.set()


@needs_debian
def test_the_original_files_of_fashion_mnist_are_rebuilt_from_those_of_debian():
    import tensorflow_datasets as tfds

    infos = tfds.builder_cls("fashion_mnist").url_infos.values()
    assert len(infos) == 4
    for info in infos:
        rebuilt = catalogue.upstream_gzip(info.filename, (DEBIAN / info.filename).read_bytes())
        assert hashlib.sha256(rebuilt).hexdigest() == info.checksum
        assert catalogue.upstream_gzip(info.filename, rebuilt) == rebuilt


@pytest.mark.slow
@needs_debian
def test_two_processes_prepare_fashion_mnist_from_the_files_of_debian(data_dir):
    code = (
        "from amalthea.data import read; images = read('fashion_mnist', 'test'); "
        "print(images.images.shape, images.images.mean().round(2), images.class_names[9])"
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", code], text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        for _ in range(2)
    ]
    results = [process.communicate(timeout=300) for process in processes]
    assert [out for out, _ in results] == ["(10000, 28, 28, 1) 73.15 Ankle boot\n"] * 2
    assert sum(err.count("amalthea: preparing fashion_mnist") for _, err in results) == 1
    assert len(read("fashion_mnist")) == 54_000
