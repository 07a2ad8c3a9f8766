"""What the system does not let be read is told from what is damaged."""

import os
import sys

import pytest
import torch
from safetensors import SafetensorError
from safetensors.torch import save_file

from bytesim.training.tensor_files import is_unreadable, open_tensors, read_through


def failure(function, path) -> Exception:
    with pytest.raises(Exception) as caught:  # noqa: PT011 - which one it is, is what the tests compare
        function(path)
    return caught.value


def test_a_whole_file_is_opened(tmp_path):
    save_file({"a": torch.ones(3)}, tmp_path / "a.safetensors")
    with open_tensors(tmp_path / "a.safetensors") as file:
        assert torch.equal(file.get_tensor("a"), torch.ones(3))


@pytest.mark.parametrize("data", [b"", b"?", b"\xff" * 200])
def test_a_damaged_file_is_not_unreadable(tmp_path, data):
    (tmp_path / "a").write_bytes(data)
    error = failure(open_tensors, tmp_path / "a")
    assert isinstance(error, (ValueError, SafetensorError))
    assert not is_unreadable(error)


def test_a_missing_file_is_not_unreadable(tmp_path):
    assert not is_unreadable(failure(open_tensors, tmp_path / "a"))


@pytest.mark.skipif(os.name == "nt", reason="Windows gives another error when a folder is opened")
def test_a_folder_in_its_place_is_not_unreadable(tmp_path):
    assert not is_unreadable(failure(open_tensors, tmp_path))


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the limit is set by the number of the next file")
@pytest.mark.parametrize("free", [0, 1])
def test_too_many_open_files_are_not_damage(tmp_path, free):
    """safetensors opens a file twice; for want of the first it says that it is missing, of the second RuntimeError."""
    import resource

    save_file({"a": torch.ones(3)}, tmp_path / "a")
    with open_tensors(tmp_path / "a"):
        pass  # what is loaded at the first use is loaded
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    next_file = os.open(tmp_path, os.O_RDONLY)
    os.close(next_file)
    resource.setrlimit(resource.RLIMIT_NOFILE, (next_file + free, limits[1]))
    try:
        error = failure(open_tensors, tmp_path / "a")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert is_unreadable(error)
    assert "Too many open files" in str(error)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/proc/self/mem fails as a broken disk does")
def test_a_failing_disk_is_told_before_the_file_is_mapped(tmp_path):
    (tmp_path / "a").symlink_to("/proc/self/mem")
    assert is_unreadable(failure(read_through, tmp_path / "a"))
