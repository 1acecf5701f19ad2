import contextlib
import gzip
import io
import os
import stat
import subprocess
import sys
import tracemalloc

import numpy as np
import pytest

from riskstats._tables import MISSING, atomic_write, read_table, stream_tables
from riskstats.exceptions import InvalidInput

SMALL = "age,job,flag\n41,nurse,1\n,,0\n38.5,cook,1\n"


@pytest.fixture
def put(tmp_path):
    """Write text or bytes to a file and return its path."""

    def write(content, name="data.csv"):
        path = tmp_path / name
        raw = content.encode() if isinstance(content, str) else content
        path.write_bytes(gzip.compress(raw) if name.endswith(".gz") else raw)
        return path

    return write


def assert_small(table):
    assert table.names == ("age", "job", "flag")
    assert table.named
    np.testing.assert_array_equal(table.column("age"), [41.0, np.nan, 38.5])
    assert table.column("job").tolist() == ["nurse", None, "cook"]
    assert table.column("flag").dtype == np.float64


VARIANTS = {
    "plain": (SMALL, "data.csv"),
    "no newline at the end": (SMALL.rstrip("\n"), "data.csv"),
    "blank lines at the end": (SMALL + "\n\n\r\n", "data.csv"),
    "windows line ends": (SMALL.replace("\n", "\r\n"), "data.csv"),
    "byte order mark": (b"\xef\xbb\xbf" + SMALL.encode(), "data.csv"),
    "quotes": ('"age","job","flag"\n"41","nurse",1\n"","","0"\n38.5,"cook",1\n', "data.csv"),
    "blanks after commas": (SMALL.replace(",", ", "), "data.csv"),
    "compressed": (SMALL, "data.csv.gz"),
    "tabs": (SMALL.replace(",", "\t"), "data.tsv"),
    "compressed tabs": (SMALL.replace(",", "\t"), "data.TSV.gz"),
    "no suffix": (SMALL, "data"),
    "marked missing": (SMALL.replace(",,0", "NA,?,0"), "data.csv"),
}


@pytest.mark.parametrize("kind", VARIANTS)
def test_every_dialect_gives_the_same_table(put, kind):
    assert_small(read_table(put(*VARIANTS[kind])))


def test_columns_can_be_chosen(put):
    path = put(SMALL)
    assert read_table(path, columns=["flag", "age"]).names == ("flag", "age")
    with pytest.raises(
        InvalidInput, match=r"data\.csv: no column 'wage'; the columns are 'age', 'job', 'flag'"
    ):
        read_table(path, columns=["wage"])


def test_standard_input(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(SMALL.encode())))
    assert_small(read_table("-"))


def test_quoted_separators_quotes_and_line_ends(put):
    table = read_table(put('id,text\n1,"a, b"\n2,"say ""hi"""\n3,"two\nlines"\n'))
    assert table.column("text").tolist() == ["a, b", 'say "hi"', "two\nlines"]


@pytest.mark.parametrize("marker", sorted(MISSING))
def test_missing_markers_hold_in_numbers_and_text(put, marker):
    table = read_table(put(f"x,y\n1,a\n{marker},{marker}\n2,b\n"))
    np.testing.assert_array_equal(table.column("x"), [1.0, np.nan, 2.0])
    assert table.column("y").tolist() == ["a", None, "b"]


def test_a_column_is_numeric_only_if_every_cell_is_a_number(put):
    table = read_table(put("a,b,c,d\n1,1_0,1e3,\n2,2_0,-.5,\nx,3_0,7,NA\n"))
    assert [table.column(name).dtype.kind for name in "abcd"] == ["O", "O", "f", "f"]
    assert table.column("b").tolist() == ["1_0", "2_0", "3_0"]
    assert np.isnan(table.column("d")).all()


def test_numbers_keep_every_bit(put, rng):
    values = rng.normal(size=200) * 10.0 ** rng.integers(-300, 300, 200)
    text = "x,y\n" + "".join(f"{v!r},0\n" for v in values.tolist())
    np.testing.assert_array_equal(read_table(put(text)).column("x"), values)


def test_a_blank_line_in_a_single_column_is_a_missing_value(put):
    np.testing.assert_array_equal(read_table(put("x\n1\n\n3\n\n")).column("x"), [1.0, np.nan, 3.0])


REFUSED = {
    "empty": ("", r"data\.csv is empty"),
    "blank header": ("\na,b\n1,2\n", "line 1 is blank"),
    "header only": ("a,b\n", "a header and no rows"),
    "short line": ("a,b\n1,2\n3\n", "line 3 has 1 cells where the header has 2"),
    "long line": ("a,b\n1,2\n3,4,5\n", "line 3 has 3 cells where the header has 2"),
    "short after two-line cell": ('a,b\n"1\n1",2\n3\n', "line 4 has 1 cells"),
    "blank line": ("a,b\n1,2\n\n3,4\n", "line 3 is blank"),
    "repeated name": ("a,b,a\n1,2,3\n", "line 1: more than one column is named 'a'"),
    "name missing": ("a,,c\n1,2,3\n", "line 1: column 2 has no name"),
    "no header": ("1,2\n3,4\n", "line 1 holds numbers where names are expected"),
    "latin-1": (b"a,b\n1,2\ncaf\xe9,3\n", r"line 3: not UTF-8"),
    "open quote": ('a,b\n1,"2\n3,4\n', "line 2: unexpected end of data"),
    "infinite": ("a,b\n1,2\n3,-inf\n", r"line 3, column 'b': '-inf' is infinite"),
}


@pytest.mark.parametrize("kind", REFUSED)
@pytest.mark.parametrize(
    "read", [read_table, lambda path: list(stream_tables(path, numeric=["b"], chunk_rows=1))]
)
def test_bad_files_are_refused_with_their_line(put, kind, read):
    content, message = REFUSED[kind]
    with pytest.raises(InvalidInput, match=message):
        read(put(content))


def test_files_that_are_no_tables_are_refused(put, tmp_path):
    with pytest.raises(InvalidInput, match="No such file"):
        read_table(tmp_path / "none.csv")
    with pytest.raises(InvalidInput, match="neither CSV nor Parquet"):
        read_table(put(b"PK", "data.xlsx"))
    with pytest.raises(InvalidInput, match="cannot read"):
        read_table(tmp_path)


def test_a_compressed_file_that_was_cut_is_refused(put):
    path = put(SMALL * 200, "cut.csv.gz")
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(InvalidInput, match="the file is damaged"):
        read_table(path)


# streaming


def test_chunks_join_to_the_file(put, rng):
    values = rng.normal(size=(57, 2))
    path = put("a,note,b\n" + "".join(f"{a!r},n{i},{b!r}\n" for i, (a, b) in enumerate(values.tolist())))
    chunks = list(stream_tables(path, numeric={"a", "b"}, chunk_rows=10))
    assert [chunk.table.n_rows for chunk in chunks] == [10, 10, 10, 10, 10, 7]
    assert [chunk.first_line for chunk in chunks] == [2, 12, 22, 32, 42, 52]
    np.testing.assert_array_equal(np.vstack([chunk.table.values() for chunk in chunks]), values)
    assert [row[1] for chunk in chunks for row in chunk.raw] == [f"n{i}" for i in range(57)]
    assert chunks[0].names == ("a", "note", "b")


def test_the_kind_of_a_column_does_not_depend_on_the_chunk(put):
    path = put("code,x\n1,\n2,NA\nb,5\n")
    chunks = list(stream_tables(path, numeric=["x"], text=["code"], chunk_rows=1))
    assert [chunk.table.column("code").tolist() for chunk in chunks] == [["1"], ["2"], ["b"]]
    assert all(chunk.table.column("x").dtype == np.float64 for chunk in chunks)


def test_a_cell_that_is_no_number_is_reported_with_its_line(put):
    path = put('x,y\n1,"two\nlines"\n2,b\nmany,c\n')
    chunks = stream_tables(path, numeric=["x"], chunk_rows=2)
    assert next(chunks).lines == [2, 4]
    with pytest.raises(InvalidInput, match=r"data\.csv, line 5, column 'x': 'many' is not a number"):
        next(chunks)


def test_streaming_names_the_columns_it_lacks(put):
    with pytest.raises(InvalidInput, match=r"no columns 'wage', 'sex'; the columns are 'age'"):
        next(stream_tables(put(SMALL), numeric=["wage", "age"], text=["sex"]))


def test_memory_does_not_grow_with_the_file(put):
    def peak(rows: int) -> int:
        path = put("a,b\n" + "1.25,2.5\n" * rows, f"{rows}.csv")
        tracemalloc.start()
        for _ in stream_tables(path, numeric=["a", "b"], chunk_rows=500):
            pass
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    assert peak(20_000) < 1.5 * peak(2_000)


# Parquet


@pytest.fixture
def parquet(tmp_path):
    pa = pytest.importorskip("pyarrow")
    pq = pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "data.parquet"
    columns = {"age": [41, None, 38], "job": ["nurse", None, "cook"], "flag": [True, False, True]}
    table = pa.table({**columns, "code": pa.array(["x", "y", "x"]).dictionary_encode()})
    pq.write_table(table, path, row_group_size=2)
    return path


def test_parquet_is_read_as_csv_is(parquet):
    table = read_table(parquet)
    np.testing.assert_array_equal(table.column("age"), [41.0, np.nan, 38.0])
    assert table.column("job").tolist() == ["nurse", None, "cook"]
    assert table.column("flag").tolist() == [1.0, 0.0, 1.0]
    assert read_table(parquet, columns=["code"]).column("code").tolist() == ["x", "y", "x"]


def test_parquet_is_streamed(parquet):
    chunks = list(stream_tables(parquet, numeric=["flag"], text=["code", "job", "age"], chunk_rows=2))
    assert [chunk.first_line for chunk in chunks] == [1, 3]
    assert [row for chunk in chunks for row in chunk.table.column("job")] == ["nurse", None, "cook"]
    assert [row for chunk in chunks for row in chunk.table.column("age")] == ["41", None, "38"]
    assert sum(len(chunk.raw) for chunk in chunks) == 3
    assert chunks[0].names == ("age", "job", "flag", "code")


def test_parquet_cells_that_do_not_fit_are_refused(parquet):
    with pytest.raises(InvalidInput, match="line 1, column 'job': 'nurse' is not a number"):
        list(stream_tables(parquet, numeric=["job"]))
    with pytest.raises(InvalidInput, match="column 'flag' holds numbers where text is expected"):
        list(stream_tables(parquet, text=["flag"]))
    with pytest.raises(InvalidInput, match="no column 'wage'"):
        read_table(parquet, columns=["wage"])


def test_damaged_parquet_is_refused(put, parquet, tmp_path):
    with pytest.raises(InvalidInput, match="not a complete Parquet file"):
        read_table(put(parquet.read_bytes()[:-9], "cut.parquet"))
    with pytest.raises(InvalidInput, match="cannot read"):
        read_table(tmp_path / "none.parquet")


def test_parquet_without_pyarrow_names_the_extra(tmp_path):
    code = (
        "import sys; sys.modules['pyarrow'] = None\n"
        "from riskstats._tables import read_table\n"
        "try: read_table('x.parquet')\n"
        "except ImportError as error: print(type(error).__name__, error)"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.startswith("Unavailable")
    assert "riskstats[frames]" in out


# writing


def test_the_file_appears_when_it_is_whole(tmp_path):
    path = tmp_path / "out.csv"
    with atomic_write(path) as file:
        file.write("a\r\n1\n")
        file.flush()
        assert not path.exists()
    assert path.read_bytes() == b"a\r\n1\n"
    assert os.listdir(tmp_path) == ["out.csv"]


def test_an_error_leaves_the_old_file(tmp_path):
    path = tmp_path / "out.csv"
    path.write_text("old")
    with contextlib.suppress(KeyboardInterrupt), atomic_write(path) as file:
        file.write("new, but not all of it")
        raise KeyboardInterrupt
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["out.csv"]


def test_bytes_and_compression(tmp_path):
    with atomic_write(tmp_path / "out.bin", binary=True) as file:
        file.write(b"\x00\xff")
    assert (tmp_path / "out.bin").read_bytes() == b"\x00\xff"
    with atomic_write(tmp_path / "out.csv.gz") as file:
        file.write(SMALL)
    assert_small(read_table(tmp_path / "out.csv.gz"))


@pytest.mark.skipif(os.name == "nt", reason="POSIX permissions and links")
def test_permissions_and_links_are_kept(tmp_path):
    target, link = tmp_path / "real.csv", tmp_path / "link.csv"
    target.write_text("old")
    target.chmod(0o640)
    link.symlink_to(target)
    with atomic_write(link) as file:
        file.write("new")
    assert link.is_symlink()
    assert target.read_text() == "new"
    assert stat.S_IMODE(target.stat().st_mode) == 0o640


@pytest.mark.skipif(not os.path.exists("/dev/null"), reason="needs a device")
def test_a_device_is_written_directly():
    with atomic_write("/dev/null") as file:
        file.write("gone")
    assert not os.path.isfile("/dev/null")


def test_places_that_cannot_be_written_are_refused(tmp_path):
    for place, message in [
        (tmp_path, "it is a folder"),
        (tmp_path / "none" / "out.csv", "No such file or directory"),
    ]:
        with pytest.raises(InvalidInput, match=message), atomic_write(place):
            pass


def test_a_few_words_in_a_column_of_numbers_are_warned_about(tmp_path):
    path = tmp_path / "data.csv"
    path.write_text("age,job\n" + "41,a\n" * 12 + "abc,b\n" + "52,c\n" * 7, encoding="utf-8")
    with pytest.warns(UserWarning, match="column 'age' is read as text, since 'abc' in line 14 is no number"):
        table = read_table(path)
    assert table.column("age").dtype == object
