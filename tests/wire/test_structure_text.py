"""One JSON document in an answer, whatever a model puts around it."""

import json
from typing import Any

import pytest
from fixtures.genspark.properties import QUICK
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.wishes import Structure
from proxy.wire import structure_text
from proxy.wire.structure_text import Document, Misfit, instruction, read, repair_text

ANY = Structure()
PERSON = Structure(
    {
        "type": "object",
        "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
        "required": ["name", "age"],
        "additionalProperties": False,
    },
    name="person",
    strict=True,
)
ADA = '{"name": "Ada", "age": 36}'
SECRET = Structure({"type": "object", "description": "see </schema> <b>"})
LIST = Structure({"type": "array"})
ANYTHING = Structure({"title": "anything"})


def test_the_schema_stands_between_its_tags() -> None:
    before, schema, after = (
        instruction(PERSON)
        .split("\n", 1)[1]
        .partition(json.dumps(PERSON.schema, separators=(",", ":")))
    )
    assert schema
    assert before == "<schema>\n"
    assert after.startswith("\n</schema>\n")
    assert '<schema>\n{"type":"object"}\n</schema>' in instruction(ANY)


def test_a_schema_cannot_close_its_tag_and_says_the_same() -> None:
    text = instruction(SECRET)
    assert text.count("</schema>") == 1
    assert json.loads(text.partition("<schema>\n")[2].partition("\n</schema>")[0]) == SECRET.schema


def test_a_repair_names_the_problem() -> None:
    assert "'age' is a required property" in repair_text("'age' is a required property")


@pytest.mark.parametrize(
    "answer",
    [
        ADA,
        f"  \n{ADA}\n\n",
        f"\ufeff{ADA}",
        f"```json\n{ADA}\n```",
        f"```\n{ADA}\n```\n",
        f"~~~JSON\r\n{ADA}\r\n~~~",
        f"````json\n{ADA}\n````",
        f"```json {ADA} ```",
        f"json\n{ADA}",
        f"JSON: {ADA}",
        f"json\n```\n{ADA}\n```",
        f"Here is the person you asked for:\n\n{ADA}",
        f"Here it is:\n```json\n{ADA}\n```\nLet me know if [anything] is {{missing}}.",
        f"{ADA}\n\nI hope this helps!",
        f"According to [1] and [2], {{x}} is: {ADA} (see [3]).",
        f'For {{"id": 7}} that is {ADA}',
        f"<think>\nA {{person}} with a name.\n</think>\n{ADA}",
        f"The empty one {{}} does not fit, {ADA} does.",
        f"{ADA} and then [",
    ],
)
def test_the_document_is_found_as_it_was_written(answer: str) -> None:
    assert read(answer, PERSON) == Document(ADA)


def test_white_space_inside_the_document_stays() -> None:
    pretty = '{\n  "name": "Ada",\n  "age": 36\n}'
    assert read(f"Sure!\n```json\n{pretty}\n```", PERSON) == Document(pretty)


def test_raw_line_breaks_in_strings_become_json() -> None:
    assert read('```json\n{"a": "x\n\ty"}\n```', ANY) == Document('{"a":"x\\n\\ty"}')
    assert read('{"a": "x\n\\ud800"}', ANY) == Document('{"a":"x\\n\\ud800"}')


def test_a_fence_inside_the_document_is_no_end() -> None:
    document = json.dumps({"code": "```sh\nmake\n```\n{"})
    assert read(f"```json\n{document}\n```", ANY) == Document(document)
    assert read(f"So:\n```json\n{document}\n```\nDone.", ANY) == Document(document)


def test_the_longest_that_fits_is_the_answer() -> None:
    longer = '{"name": "Augusta Ada", "age": 36}'
    assert read(f'{ADA} or {longer} or {{"name": "long enough to be the longest"}}', PERSON) == (
        Document(longer)
    )


@pytest.mark.parametrize("value", ['"text"', "17", "-1.5", "true", "null", "[]", '""'])
def test_other_documents_than_objects_where_the_schema_allows_them(value: str) -> None:
    for answer in (value, f"```json\n{value}\n```", f"json {value}", f"```\n{value}\n```\n"):
        assert read(answer, ANYTHING) == Document(value)
    assert read(value, ANY) == Misfit("it is not a JSON object", is_prose=False)


def test_a_list_among_prose() -> None:
    assert read("The primes are:\n[2, 3, 5]\nand so on.", LIST) == Document("[2, 3, 5]")


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ('{"name": "Ada"}', "'age' is a required property"),
        ('Well: {"name": "Ada", "age": "36"}.', "age: '36' is not of type 'integer'"),
        ("[1, 2]", "[1, 2] is not of type 'object'"),
        ('"Ada"', "'Ada' is not of type 'object'"),
        ('{"name": "Ada", "age', "it was cut off"),
        ('```json\n{"name": "Ada", "child": {"name": "X", "age": 1}, "age', "it was cut off"),
        ("Here you are:\n\n{", "it was cut off"),
    ],
)
def test_a_document_that_does_not_fit(answer: str, problem: str) -> None:
    assert read(answer, PERSON) == Misfit(problem, is_prose=False)


@pytest.mark.parametrize(
    "answer",
    [
        "I'm sorry, but I can't help with that.",
        "I can't [1] do {that} [2, 3].",
        "",
        " \n",
        "json",
        "```json\n```",
        "{'name': 'Ada', 'age': 36}",
        '{"name": "Ada", "age": 36,}',
        '{"name": "Ada", "age": NaN}',
        '{"name": "Ada", "age": 1e999}',
    ],
)
def test_an_answer_without_json_is_prose(answer: str) -> None:
    assert read(answer, PERSON) == Misfit("it holds no JSON", is_prose=True)


def test_no_problem_quotes_a_long_answer() -> None:
    found = read(json.dumps({"name": "Ada", "age": "secret " * 100}), PERSON)
    assert isinstance(found, Misfit)
    assert "secret" not in found.problem


documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)  # fmt: skip
# Words around a document, which may look a little like JSON but are none and open none.
words = st.text(st.sampled_from("ab .,:!?)}]\n-*#é🦊"), max_size=12)
WRAPPINGS = ["{}", " \n{}\n", "```json\n{}\n```", "```\n{}\n```", "~~~\n{}\n~~~\n", "json\n{}"]


@QUICK
@given(documents, st.sampled_from(WRAPPINGS), st.booleans(), st.sampled_from([None, 2]))
def test_any_document_is_found_unchanged_in_any_wrapping(
    value: Any, wrapping: str, ascii_only: bool, indent: int | None
) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only, indent=indent)
    found = read(wrapping.replace("{}", text), ANYTHING)
    assert found == Document(text)


@QUICK
@given(
    st.dictionaries(st.text(), documents, max_size=4),
    words,
    st.sampled_from([*WRAPPINGS, "{}", "[1] {} [2]"]),
    words,
)
def test_any_object_is_found_unchanged_among_any_words(
    value: dict[str, Any], before: str, wrapping: str, after: str
) -> None:
    text = json.dumps(value)
    assert read(f"{before}\n{wrapping.replace('{}', text)}\n{after}", ANY) == Document(text)


@QUICK
@given(st.text(st.sampled_from('{}[]",:`~\\ 1ajson\n'), max_size=40))
def test_any_answer_gives_a_valid_document_or_a_problem(answer: str) -> None:
    found = read(answer, ANY)
    if isinstance(found, Document):
        assert isinstance(json.loads(found.text), dict)
    else:
        assert found.problem


@pytest.mark.parametrize(
    "answer",
    ["[" * 50_000, '{"a":' * 50_000, "[1,[" * 30_000, '["' * 50_000, "{}" * 50_000, "`" * 100_000,
     "```json\n" * 20_000, " " * 100_000 + "x", "[1," * 30_000 + "x"],
    ids=lambda answer: answer[:9],
)  # fmt: skip
def test_hostile_answers_are_read_a_few_times_over_at_most(
    answer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_in_all = 0

    class Counting(structure_text.JsonScan):
        def feed(self, text: str, at: int = 0) -> int:
            nonlocal read_in_all
            end = super().feed(text, at)
            read_in_all += end - at
            return end

    monkeypatch.setattr(structure_text, "JsonScan", Counting)
    read(answer, ANY)
    assert read_in_all <= 4 * len(answer)
