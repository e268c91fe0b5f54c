#!/usr/bin/python3
"""docs/openapi.yaml and docs/api.md held against the code's own tables: test_openapi.py DUMP_ROUTES"""
import json
import os
import re
import subprocess
import sys
import unittest

import yaml

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
CODE = json.loads(subprocess.run([sys.argv.pop(1)], capture_output=True, check=True, text=True).stdout)
METHODS = {"get", "put", "post", "delete", "patch", "head", "options"}


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as f:
        return f.read()


class Loader(yaml.SafeLoader):
    """YAML 1.2, as OpenAPI 3.1 has it: "on" is a word, and a key that comes twice is a fault."""

    def construct_mapping(self, node, deep=False):
        keys = [self.construct_object(k) for k, _ in node.value]
        for key in keys:
            if keys.count(key) > 1:
                raise yaml.YAMLError(f"key twice: {key}, {node.start_mark}")
        return super().construct_mapping(node, deep)


Loader.yaml_implicit_resolvers = {
    first: [(tag, regexp) for tag, regexp in resolvers if tag != "tag:yaml.org,2002:bool"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()}
Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(?:true|false)$"), list("tf"))
DOC = yaml.load(read("docs/openapi.yaml"), Loader)


def resolve(node):
    while isinstance(node, dict) and "$ref" in node:
        here = DOC
        for word in node["$ref"].removeprefix("#/").split("/"):
            here = here[word]
        node = here
    return node


def operations():
    """(METHOD, path) -> operation"""
    return {(m.upper(), path): op for path, item in DOC["paths"].items() for m, op in item.items() if m in METHODS}


def parameters(op, place):
    return {p["name"]: p for p in map(resolve, op.get("parameters", [])) if p["in"] == place}


class OpenApi(unittest.TestCase):
    def each(self):
        documented = operations()
        for route in CODE["routes"]:
            name = f"{route['method']} {route['path']}"
            with self.subTest(name):
                yield name, route, documented[(route["method"], route["path"])]

    def test_same_requests(self):
        code = {(r["method"], r["path"]) for r in CODE["routes"]}
        self.assertGreater(len(code), 15)
        self.assertEqual(len(code), len(CODE["routes"]))
        self.assertEqual(code, set(operations()))
        ids = [op["operationId"] for op in operations().values()]
        self.assertEqual(len(ids), len(set(ids)))

    def test_same_statuses(self):
        for name, route, op in self.each():
            statuses = {str(CODE["problems"][p]) for p in route["problems"].split()} | {str(route["ok"])}
            if not route["open"]:
                statuses.add("401")
            self.assertEqual(statuses, set(op["responses"]), name)

    def test_same_access(self):
        for name, route, op in self.each():
            self.assertEqual(route["open"], op.get("security") == [], name)
            self.assertEqual(route["keyed"], "Idempotency-Key" in parameters(op, "header"), name)
            self.assertEqual(route["keyed"], "Idempotency-Replayed" in op["responses"][str(route["ok"])].get("headers", {}), name)

    def test_same_parameters(self):
        for name, route, op in self.each():
            self.assertEqual(set(route["query"].split()), set(parameters(op, "query")), name)
            self.assertEqual(set(re.findall(r"\{(\w+)\}", route["path"])), set(parameters(op, "path")), name)
            self.assertTrue(all(p["required"] for p in parameters(op, "path").values()), name)

    def test_same_bodies(self):
        for name, route, op in self.each():
            if route["body"] is None:
                self.assertNotIn("requestBody", op, name)
                continue
            schema = resolve(op["requestBody"]["content"]["application/json"]["schema"])
            self.assertEqual(schema["additionalProperties"], False, name)
            self.assertEqual(set(route["body"]), set(schema["properties"]), name)
            required = {key for key, field in route["body"].items() if field["required"]}
            self.assertEqual(required, set(schema.get("required", [])), name)
            for key, field in route["body"].items():
                self.hold_field(f"{name}: {key}", field, resolve(schema["properties"][key]))

    def hold_field(self, name, field, schema):
        kind = field["kind"]
        if kind == "word":
            self.assertEqual(field["words"], schema["enum"], name)
        elif kind == "text":
            self.assertEqual(("string", field["min"], field["max"]),
                             (schema["type"], schema.get("minLength", 0), schema["maxLength"]), name)
        elif kind == "integer" and field["max"]:
            self.assertEqual(("integer", field["min"], field["max"]),
                             (schema["type"], schema["minimum"], schema["maximum"]), name)
        elif kind == "headers":
            self.assertEqual(field["max"], schema["maxItems"], name)
        elif kind == "template":
            self.assertEqual(schema, DOC["components"]["schemas"]["Template"], name)
        else:
            self.assertEqual({"phone": "string", "integer": "integer", "boolean": "boolean"}[kind], schema["type"], name)

    def test_examples_are_allowed(self):
        for name, route, op in self.each():
            if route["body"] is not None:
                example = op["requestBody"]["content"]["application/json"]["example"]
                self.assertLessEqual(set(example), set(route["body"]), name)

    def test_problems(self):
        types = {t.removeprefix("/problems/") for t in DOC["components"]["schemas"]["Problem"]["properties"]["type"]["enum"]}
        self.assertEqual(types, set(CODE["problems"]))
        listed = {t: int(s) for t, s in re.findall(r"^\| `([a-z-]+)` \| (\d{3}) \|", read("docs/api.md"), flags=re.M)}
        self.assertEqual(listed, CODE["problems"], "the table of problems in docs/api.md")

    def test_references_lead_somewhere(self):
        used = set()

        def walk(node):
            if isinstance(node, dict):
                if "$ref" in node:
                    used.add(node["$ref"])
                    resolve(node)
                for value in node.values():
                    walk(value)
            elif isinstance(node, list):
                for value in node:
                    walk(value)

        walk(DOC)
        have = {f"#/components/{kind}/{name}" for kind, names in DOC["components"].items() if kind != "securitySchemes" for name in names}
        self.assertEqual(sorted(have - used), [], "components that nothing uses")

    def test_every_request_is_in_the_guide(self):
        guide = set(re.findall(r"`(GET|POST|DELETE) (/[\w/{}]*)`", read("docs/api.md")))
        self.assertEqual(guide, {(r["method"], r["path"]) for r in CODE["routes"]}, "requests of docs/api.md")


if __name__ == "__main__":
    unittest.main(verbosity=1)
