"""Writes small parquet files with the published schema of open-r1/OpenR1-Math-220k, and what they hold as JSON lines.

    python scripts/golden/openr1.py        (needs openr1-requirements.txt)

trainer/openr1/testdata/
    published.parquet     the columns and types of the published files: Snappy, several row groups, dictionary pages,
                          nulls in every nullable place, lists that are null, empty, too short and too long
    renamed.parquet       the same rows as other writers make them: list elements called "item", large strings, Zstandard,
                          one row group, small pages, a verdict column of nulls only
    rle.parquet           data pages of version 2, with verdicts as run lengths, which parquet-go misreads
    published.jsonl       the rows, as pyarrow reads them back
    schema-*.parquet      a column of another type, or missing
    truncated.parquet     the first two thirds of published.parquet
"""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

OUT = Path(__file__).parents[2] / "trainer" / "openr1" / "testdata"

text, flags = pa.string(), pa.list_(pa.bool_())
SCHEMA = pa.schema([
    ("problem", text), ("solution", text), ("answer", text), ("problem_type", text), ("question_type", text),
    ("source", text), ("uuid", text), ("is_reasoning_complete", flags), ("generations", pa.list_(text)),
    ("correctness_math_verify", flags), ("correctness_llama", flags), ("finish_reasons", pa.list_(text)),
    ("correctness_count", pa.int64()), ("messages", pa.list_(pa.struct([("content", text), ("role", text)]))),
])


def row(n, problem, answer, generations, verdicts, llama=None, **more):
    return {
        "problem": problem, "solution": f"Solution {n}.", "answer": answer, "problem_type": "Algebra",
        "question_type": "math-word-problem", "source": "olympiads", "uuid": f"00000000-0000-5000-8000-{n:012d}",
        "is_reasoning_complete": [g is not None and "</think>" in g for g in generations or []],
        "generations": generations, "correctness_math_verify": verdicts, "correctness_llama": llama,
        "finish_reasons": None if n % 3 else ["stop"] * len(generations or []),
        "correctness_count": sum(v is True for v in verdicts or []),
        "messages": [{"content": problem, "role": "user"}, {"content": (generations or [None])[0], "role": "assistant"}],
    } | more


def thought(n, answer):
    return f"<think>\nTrying way {n} — “carefully”.\n</think>\n\nSo it is $\\boxed{{{answer}}}$."


def rows():
    cut = "<think>\nThis goes on and"
    out = [
        row(0, "What is $1+1$?", "2", [thought(1, 3), thought(2, 2)], [False, True]),
        row(1, "What is $2+2$?", "4", [thought(1, 4), thought(2, 4)], [True, True], source="cn_contest"),
        row(2, "No right one.", "5", [thought(1, 4), thought(2, 4)], [False, False], [False, True]),
        row(3, "No verdicts.", "5", [thought(1, 5)], None),
        row(4, "Too few verdicts.", "6", [thought(1, 5), thought(2, 6)], [False]),
        row(5, "Too many verdicts.", "6", [thought(1, 5)], [False, True]),
        row(6, "Nulls inside.", "7", [None, thought(2, 7)], [None, True], uuid=None),
        row(7, "No generations.", "7", [], []),
        row(8, "Null generations.", "7", None, [True]),
        row(9, "Cut, then whole.", "8", [cut, thought(2, 8)], [True, True]),
        row(10, "Cut only.", "8", [cut], [True]),
        row(11, None, "8", [thought(1, 8)], [True]),
        row(12, " \n", "8", [thought(1, 8)], [True]),
        row(13, "No answer.", None, [thought(1, 8)], [True]),
        row(14, "Blank answer.", " ", [thought(1, 8)], [True]),
        row(15, "Answer that is no mathematics.", "see above )(", [thought(1, 8)], [True]),
        row(16, "What  is\n$1+1$?", "2", [thought(5, 2)], [True]),
        row(17, "What is an 无穷大 “∞”?", "\\infty", [thought(1, "\\infty")], [True], problem_type=None),
    ]
    out += [row(n, f"What is ${n}+{n}$?", str(2 * n), [thought(n, 2 * n)], [True]) for n in range(100, 160)]
    return out


def write(name, table, **options):
    pq.write_table(table, OUT / name, **options)


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    table = pa.Table.from_pylist(rows(), schema=SCHEMA)
    write("published.parquet", table, row_group_size=20, compression="snappy")
    with open(OUT / "published.jsonl", "w") as f:
        for r in pq.read_table(OUT / "published.parquet").to_pylist():
            f.write(json.dumps(r, ensure_ascii=False) + "\n")

    large = {"problem", "answer", "uuid", "source"}
    renamed = pa.schema([
        pa.field(f.name, pa.null() if f.name == "correctness_llama" else pa.large_string() if f.name in large else f.type)
        for f in SCHEMA
    ])
    plain = [r | {"correctness_llama": None} for r in rows()]
    write("renamed.parquet", pa.Table.from_pylist(plain, schema=renamed), compression="zstd",
          use_compliant_nested_type=False, data_page_size=200, write_batch_size=3)

    write("rle.parquet", table, data_page_version="2.0")
    few = table.slice(0, 2)
    write("schema-type.parquet", few.set_column(2, "answer", pa.array([2.0, 4.0])))
    write("schema-list.parquet", few.set_column(8, "generations", pa.array(["a", "b"])))
    write("schema-verdicts.parquet", few.set_column(9, "correctness_math_verify", pa.array([[1], [0]])))
    write("schema-missing.parquet", few.drop_columns(["generations"]))
    write("schema-renamed.parquet", few.rename_columns([n if n != "problem" else "question" for n in few.column_names]))
    whole = (OUT / "published.parquet").read_bytes()
    (OUT / "truncated.parquet").write_bytes(whole[: len(whole) * 2 // 3])


main()
