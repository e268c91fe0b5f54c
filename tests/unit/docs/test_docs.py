#!/usr/bin/python3
"""What the documents say, held against the code: keys, counters, causes, links."""
import os
import re
import subprocess
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as f:
        return f.read()


def tracked():
    """Files that git knows; in a tree without git, all but builds."""
    run = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if run.returncode == 0:
        return [f for f in run.stdout.split("\n") if f and os.path.isfile(os.path.join(ROOT, f))]
    return [os.path.relpath(os.path.join(d, f), ROOT) for d, _, names in os.walk(ROOT) for f in names
            if not os.path.relpath(d, ROOT).startswith(("build", ".git"))]


def text_of(path):
    """None for files that are not text."""
    with open(os.path.join(ROOT, path), "rb") as f:
        data = f.read()
    if b"\0" in data:
        return None
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return None


# ---- configuration keys ----

def schema_keys():
    """Paths such as numbers[].token, out of libcyaml's field tables."""
    code = read("b2bua/app/config_schema.c") + read("dialplan/schema.c")
    code = re.sub(r"/\*.*?\*/", "", code, flags=re.S)
    tables = dict(re.findall(r"cyaml_schema_field_t (\w+)\[\] = \{(.*?)\n\};", code, flags=re.S))
    entries = dict(re.findall(r"cyaml_schema_value_t (\w+) = \{\s*CYAML_VALUE_MAPPING\([^;]*?(\w+_fields)\)\};", code))
    keys = set()

    def walk(table, prefix):
        # One field is "MACRO("key", ..., last)"; the last word names a nested table, if there is one.
        for key, rest in re.findall(r'\w+\(\s*"(\w+)",((?:[^()]|\([^()]*\))*)\)', tables[table]):
            words = re.findall(r"\w+", rest)
            nested = [w for w in words if w in tables] or [entries[w] for w in words if w in entries]
            is_list = bool(re.search(r"&\s*\w+", rest))
            path = prefix + key + ("[]" if is_list else "")
            keys.add(path)
            if nested:
                walk(nested[0], path + ".")

    walk("file_fields", "")
    return keys


def sample_keys():
    """Key paths of etc/watrunk.yaml, settings that are off ("#key:") included. Its layout is simple: two spaces a level."""
    keys, stack = set(), []  # stack: (column of the key, path)
    for line in read("etc/watrunk.yaml").split("\n"):
        match = re.match(r"^( *)#?((?:- )*)([a-z0-9_]+):(?: |$)", line)
        if not match or re.match(r"^ *# ", line):
            continue
        dashes, key = match.group(2), match.group(3)
        column = len(match.group(1)) + len(dashes)
        while stack and stack[-1][0] >= column:
            stack.pop()
        path = stack[-1][1] + "." + key if stack else key
        keys.add(path)
        stack.append((column, path))
    return keys


class Configuration(unittest.TestCase):
    def test_schema_is_understood(self):
        keys = schema_keys()
        for known in ("webhook.listen", "numbers[].token", "sip.listen[]", "dialplan[].actions[].bridge.headers[].name", "call.media_wait_ms"):
            self.assertIn(known, keys, "this test no longer reads the schema right")

    def test_sample_has_every_key_and_no_other(self):
        schema = {k.replace("[]", "") for k in schema_keys()}
        sample = sample_keys()
        self.assertEqual(sorted(schema - sample), [], "keys of the schema that etc/watrunk.yaml does not explain")
        self.assertEqual(sorted(sample - schema), [], "keys of etc/watrunk.yaml that the schema does not know")


# ---- tables in the documents ----

def names_in_tables(path):
    """What stands in `code` in the first column of the tables of a document."""
    names = set()
    for line in read(path).split("\n"):
        if line.startswith("|"):
            names.update(re.findall(r"`([^`]+)`", line.split("|")[1]))
    return names


class Tables(unittest.TestCase):
    def test_counters(self):
        counters = set(re.findall(r'^COUNTER\(\w+, "(\w+)"', read("lib/base/counter.def"), flags=re.M))
        self.assertGreater(len(counters), 20)
        self.assertEqual(sorted(counters - names_in_tables("docs/operations.md")), [], "counters missing in docs/operations.md")

    def test_gauges(self):
        gauges = set(re.findall(r'\{"(\w+)", \w+\(', read("b2bua/app/on_admin.c")))
        self.assertGreater(len(gauges), 4)
        self.assertEqual(sorted(gauges - names_in_tables("docs/operations.md")), [], "gauges missing in docs/operations.md")

    def test_causes(self):
        rows = set(re.findall(r"^\| `(\w+)` \| (\d+), (\d+) \|", read("docs/operations.md"), flags=re.M))
        causes = set(re.findall(r'^CAUSE\(\w+, "(\w+)", (\d+), (\d+),', read("b2bua/call/cause.def"), flags=re.M))
        self.assertGreater(len(causes), 20)
        self.assertEqual(rows, causes, "causes of docs/operations.md and of b2bua/call/cause.def")

    def test_event_types(self):
        """`types: ["gateway.*"]` was refused: a type was missing in the list that the configuration is held against."""
        table = re.search(r"^## Types\n(.*?)^## ", read("docs/events.md"), flags=re.S | re.M).group(1)
        documented = {name for row in re.findall(r"^\| (`[^|]*) \|", table, flags=re.M) for name in re.findall(r"`([\w.]+)`", row)}
        known = set(re.findall(r'"(\w+\.\w+)"', re.search(r"is_event_type\(.*?\};", read("b2bua/app/config_out.c"), flags=re.S).group(0)))
        told = set(re.findall(r'"((?:call|dial|gateway|message)\.\w+)"', read("b2bua/app/emit.c")))
        self.assertGreater(len(told), 10)
        self.assertEqual(documented, known, "types of docs/events.md and of b2bua/app/config_out.c")
        self.assertEqual(sorted(told - documented), [], "types that docs/events.md does not have")

    def test_metasim_keys(self):
        keys = set(re.findall(r'KEY\("(\w+)", [A-Z]+', read("tools/metasim/plan.c") + read("tools/metasim/plan_user.c")))
        documented = set(re.findall(r"`(\w+)`", read("docs/metasim.md")))
        self.assertGreater(len(keys), 20)
        self.assertEqual(sorted(keys - documented), [], "plan keys missing in docs/metasim.md")

    def test_metasim_events(self):
        source = "".join(read(f"tools/metasim/{f}") for f in sorted(os.listdir(os.path.join(ROOT, "tools/metasim")))
                         if f.endswith(".c"))
        events = set(re.findall(r'(?:meta_timeline|meta_timeline_user|tell|write_message)\([^;"]*?"(\w+)"', source))
        documented = set(re.findall(r"`(\w+)`", read("docs/metasim.md")))
        self.assertGreater(len(events), 20)
        self.assertEqual(sorted(events - documented), [], "events missing in docs/metasim.md")

    def test_metasim_options(self):
        options = set(re.findall(r'\{"([a-z-]+)", [01], NULL, O_\w+\}', read("tools/metasim/main.c")))
        documented = set(re.findall(r"`--([a-z-]+)", read("docs/metasim.md")))
        self.assertGreater(len(options), 15)
        self.assertEqual(options, documented, "options of metasim and of docs/metasim.md")

    def test_decisions_are_listed(self):
        pages = {f for f in os.listdir(os.path.join(ROOT, "docs/adr")) if re.match(r"\d{4}-.*\.md$", f)}
        linked = set(re.findall(r"\]\((\d{4}-[^)#]+)\)", read("docs/adr/README.md")))
        self.assertEqual(pages, linked, "pages of docs/adr and links of docs/adr/README.md")

    def test_command_line(self):
        commands = set(re.findall(r'\{"([a-z-]+)", cmd_', read("b2bua/cli/commands.c")))
        documented = set(re.findall(r"`watrunk ([a-z-]+)", read("README.md")))
        self.assertGreater(len(commands), 20)
        self.assertEqual(sorted(commands - documented), [], "commands missing in README.md")


# ---- links ----

def anchors(path):
    """Anchors of the headings, as the usual renderers make them."""
    text = re.sub(r"^```.*?^```", "", read(path), flags=re.S | re.M)
    return {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in re.findall(r"^#+ +(.*)$", text, flags=re.M)}


class Links(unittest.TestCase):
    def test_relative_links_lead_somewhere(self):
        faults = []
        for path in tracked():
            if not path.endswith(".md"):
                continue
            for target in re.findall(r"\]\(([^)\s]+)\)", read(path)):
                if re.match(r"[a-z]+:", target):
                    continue
                file, _, anchor = target.partition("#")
                full = os.path.normpath(os.path.join(os.path.dirname(path), file)) if file else path
                if not os.path.exists(os.path.join(ROOT, full)):
                    faults.append(f"{path}: {target}: no such file")
                elif anchor and full.endswith(".md") and anchor not in anchors(full):
                    faults.append(f"{path}: {target}: no such heading")
        self.assertEqual(faults, [])

    def test_named_source_files_exist(self):
        """`media/worker.c` and the like in the documents for developers."""
        files = tracked()
        faults = []
        for path in ["ARCHITECTURE.md", "CONTRIBUTING.md"] + [f for f in files if f.startswith("docs/") and f.endswith(".md")]:
            for name in set(re.findall(r"`([\w/]+\.(?:c|h|def|py|md))`", read(path))):
                if not any(f == name or f.endswith("/" + name) for f in files):
                    faults.append(f"{path}: {name}")
        self.assertEqual(sorted(faults), [])


# ---- nothing of one person's machine ----

class Places(unittest.TestCase):
    MACHINE_PATH = re.compile(r"(?<![\w.:/-])/(?:home|root|work|workspace|Users)/[\w.]")
    TEMPORARY = re.compile(r"(?<![\w.:/-])/tmp/\w")

    def test_no_paths_of_a_machine(self):
        faults = []
        for path in tracked():
            if path.startswith("tests/fuzz/corpus/"):
                continue
            text = text_of(path)
            for number, line in enumerate((text or "").split("\n"), 1):
                if self.MACHINE_PATH.search(line) or (self.TEMPORARY.search(line) and not path.startswith("tests/")):
                    faults.append(f"{path}:{number}: {line.strip()[:100]}")
        self.assertEqual(faults, [])


if __name__ == "__main__":
    unittest.main(verbosity=1)
