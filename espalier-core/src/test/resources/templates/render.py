"""Renders every template here with Jinja2, set up as transformers sets it up, and writes what comes out.

    python3 render.py [FOLDER]      # needs jinja2 3.1; FOLDER is this one by default

conversations.json: the variables to render with. rendered.json: template -> conversation -> text and generated parts, or
the error. expressions.json: small templates; expressions_rendered.json: what each gives.
"""

import datetime
import json
import pathlib
import sys

import jinja2
from jinja2.ext import Extension, loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment

HERE = pathlib.Path(__file__).parent
NOW = datetime.datetime(2024, 7, 6, 9, 5, 3)


class Generation(Extension):
    """Marks the parts between generation and endgeneration."""

    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        return jinja2.nodes.CallBlock(self.call_method("_marked"), [], [], body).set_lineno(line)

    def _marked(self, caller):
        return "\x02" + caller() + "\x03"


def tojson(value, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


def raise_exception(message):
    raise jinja2.exceptions.TemplateError(message)


def environment():
    env = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[Generation, loopcontrols])
    env.filters["tojson"] = tojson
    env.globals["raise_exception"] = raise_exception
    env.globals["strftime_now"] = NOW.strftime
    return env


def render(env, source, variables):
    try:
        marked = env.from_string(source).render(**variables)
    except Exception as error:  # whatever a template does wrong
        return {"error": str(error)}
    text, generated = "", []
    for character in marked:
        if character == "\x02":
            generated.append([len(text)])
        elif character == "\x03":
            generated[-1].append(len(text))
        else:
            text += character
    return {"text": text, "generated": generated}


def write(path, value):
    path.write_text(json.dumps(value, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def main():
    folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else HERE
    env = environment()
    conversations = json.loads((HERE / "conversations.json").read_text(encoding="utf-8"))
    write(
        folder / "rendered.json",
        {
            path.name: {name: render(env, path.read_text(encoding="utf-8"), v) for name, v in conversations.items()}
            for path in sorted(folder.glob("*.jinja"))
        },
    )
    expressions = json.loads((HERE / "expressions.json").read_text(encoding="utf-8"))
    variables = expressions["variables"]
    write(
        folder / "expressions_rendered.json",
        [render(env, source, variables) | {"template": source} for source in expressions["templates"]],
    )


if __name__ == "__main__":
    main()
