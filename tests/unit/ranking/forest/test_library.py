import stat
import subprocess

import pytest

from mia.ranking.forest import library


def test_it_is_compiled_once(tmp_path, monkeypatch):
    library.load_evaluator(tmp_path)
    made = list(tmp_path.iterdir())
    assert [path.suffix for path in made] == [".so"]
    monkeypatch.setattr(library, "COMPILERS", ("no-such-compiler",))
    library.load_evaluator(tmp_path)
    assert list(tmp_path.iterdir()) == made


def test_another_source_is_another_library(tmp_path, monkeypatch):
    library.load_evaluator(tmp_path)
    monkeypatch.setattr(library, "OPTIONS", (*library.OPTIONS, "-DOTHER=1"))
    library.load_evaluator(tmp_path)
    assert len(list(tmp_path.iterdir())) == 2


def test_without_a_compiler_there_is_none_and_the_log_says_so_once(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(library, "COMPILERS", ("no-such-compiler",))
    monkeypatch.setattr(library, "cache_folder", lambda: tmp_path)
    library.evaluator.cache_clear()
    try:
        assert library.evaluator() is None
        assert library.evaluator() is None
    finally:
        library.evaluator.cache_clear()
    assert [record.getMessage() for record in caplog.records] == [
        "no compiled form of the model, LightGBM itself scores: there is no C compiler (no-such-compiler)"
    ]


def test_what_does_not_compile_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(library, "OPTIONS", (*library.OPTIONS, "--no-such-option"))
    with pytest.raises(subprocess.CalledProcessError):
        library.load_evaluator(tmp_path)
    assert not list(tmp_path.iterdir())


def test_libraries_are_kept_where_only_the_user_writes(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "mine"))
    found = library.cache_folder()
    assert found == tmp_path / "mine" / "mia"
    assert not stat.S_IMODE(found.stat().st_mode) & 0o077
    found.chmod(0o777)
    assert library.cache_folder() != found
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "mine" / "mia" / "file"))
    (tmp_path / "mine" / "mia" / "file").write_text("")
    assert library.cache_folder().is_dir()
