from vae import tables

COLUMNS, ROWS = ("part", "count", "share"), [("drums", 12345, 0.5), ("all", 7, None)]


def test_markdown():
    assert tables.markdown(COLUMNS, ROWS) == ("| part | count | share |\n| --- | --- | --- |\n"
                                              "| drums | 12,345 | 0.500 |\n| all | 7 |  |\n")


def test_numbers_are_aligned_to_the_right(capsys):
    tables.show("a title", COLUMNS, ROWS)
    printed = capsys.readouterr().out
    assert "a title" in printed and "│ drums │ 12,345 │ 0.500 │" in printed and "│ all   │      7 │       │" in printed


def test_names_are_printed_as_they_are(capsys):
    tables.show("a [bold] title", ("folder [old]", "count"), [("Samples [drums] :smile:", 1)])
    printed = capsys.readouterr().out
    assert "a [bold] title" in printed and "folder [old]" in printed and "Samples [drums] :smile:" in printed


def test_a_table_without_rows_is_printed(capsys):
    tables.show("nothing", COLUMNS, [])
    assert "count" in capsys.readouterr().out
