"""Many questions in one statement: they travel as one JSON text, and the statement reads them as a table."""

import json
from collections.abc import Iterable, Mapping

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    FromClause,
    Select,
    String,
    bindparam,
    cast,
    column,
    func,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import JSONB

# The numbers of SQLite's and PostgreSQL's bind parameters are limited; one text serves any number of questions, and
# the statement stays the same, so that drivers and stores can keep it prepared.
_PARAMETER = bindparam("questions", type_=String())


def question_table(dialect: str, *names: str) -> FromClause:
    """A table of the questions given as the parameter `questions`; its columns are whole numbers with these names."""
    if dialect == "sqlite":
        rows = func.json_each(_PARAMETER).table_valued("value", name="row")
        fields = (func.json_extract(rows.c.value, f"$.{name}", type_=BigInteger()).label(name) for name in names)
        return select(*fields).select_from(rows).subquery("question")
    columns = (column(name, BigInteger()) for name in names)
    records = func.jsonb_to_recordset(cast(_PARAMETER, JSONB())).table_valued(*columns, name="question")
    return records.render_derived(with_types=True)


def as_parameter(questions: Iterable[Mapping[str, int]]) -> str:
    """The value of the parameter `questions`."""
    return json.dumps(list(questions))


def join_by_ids(
    dialect: str, question: FromClause, ids: Select[int], listed: FromClause, key: ColumnElement[int]
) -> FromClause:
    """Each question beside the rows of `listed` whose `key` is among the question's own `ids`."""
    if dialect == "sqlite":
        # SQLite has no LATERAL, but looks ids up as fast; PostgreSQL would search the whole table for them.
        return question.join(listed, key.in_(ids))
    chosen = ids.lateral("chosen")
    return question.join(chosen, true()).join(listed, key == chosen.c[0])
