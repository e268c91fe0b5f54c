#!/usr/bin/python3
"""scripts/check-deps against small trees, each with one fault."""
import os
import shutil
import subprocess
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))

GOOD = {
    "lib/base/CMakeLists.txt": "add_module(base SOURCES str.c)\n",
    "lib/base/str.c": '#include "lib/base/str.h"\n#include <string.h>\nint str_x(void) { return 1; }\n',
    "lib/base/str.h": "int str_x(void);\n",
    "lib/base/clock.h": "int clock_x(void);\n",
    "lib/sdp/CMakeLists.txt": "add_module(sdp # a comment\n  SOURCES sdp.c\n  DEPENDS base)\n",
    "lib/sdp/sdp.c": '#include "lib/sdp/sdp_inner.h"\n#include "lib/base/str.h"\n',
    "lib/sdp/sdp_inner.h": "",
    "lib/sdp/sdp.h": "int sdp_x(void);\n",
    "dialplan/CMakeLists.txt": "add_module(dialplan SOURCES d.c DEPENDS base)\n",
    "dialplan/d.c": "#include <pcre2.h>\n",
    "b2bua/call/CMakeLists.txt": "add_module(call SOURCES call.c DEPENDS sdp)\n",
    "b2bua/call/call.c": '#include "lib/sdp/sdp.h"\n#include "lib/base/str.h"\nint call_x(void) { return str_x(); }\n',
    "tests/t.c": '#include <pcre2.h>\n#include "lib/sdp/sdp_inner.h"\n',
}


class CheckDeps(unittest.TestCase):
    def setUp(self):
        self.root = tempfile.mkdtemp(prefix="check-deps-")
        self.addCleanup(shutil.rmtree, self.root)

    def check(self, changes, *arguments):
        for path, text in {**GOOD, **changes}.items():
            full = os.path.join(self.root, path)
            os.makedirs(os.path.dirname(full), exist_ok=True)
            with open(full, "w", encoding="utf-8") as f:
                f.write(text)
        run = subprocess.run([os.path.join(ROOT, "scripts/check-deps"), "--root", self.root, *arguments],
                             capture_output=True, text=True)
        return run.returncode, run.stdout

    def faulty(self, changes, *expected):
        code, out = self.check(changes)
        self.assertEqual(code, 1, out)
        for text in expected:
            self.assertIn(text, out)
        self.assertEqual(len(out.strip().split("\n")), len(expected), out)

    def test_good_tree(self):
        code, out = self.check({})
        self.assertEqual(code, 0, out)

    def test_upward_include(self):
        self.faulty({"lib/base/str.c": '#include "lib/sdp/sdp.h"\n'}, 'lib/base/str.c:1: lib/base (level 0) includes "lib/sdp/sdp.h"')

    def test_same_level(self):
        self.faulty({"lib/loop/loop.c": '#include "lib/sdp/sdp.h"\n'}, "lib/loop (level 1) includes")

    def test_undeclared(self):
        self.faulty({"dialplan/CMakeLists.txt": "add_module(dialplan SOURCES d.c)\n", "dialplan/d.c": '\n#include "lib/base/str.h"\n'},
                    'dialplan/d.c:2: includes "lib/base/str.h", but module dialplan does not name base in DEPENDS')

    def test_depends_upward(self):
        self.faulty({"lib/base/CMakeLists.txt": "add_module(base SOURCES str.c DEPENDS sdp)\n"}, "dependencies point downward")

    def test_unknown_module_and_source(self):
        self.faulty({"lib/sdp/CMakeLists.txt": "add_module(sdp SOURCES sdp.c gone.c DEPENDS base nothing)\n"},
                    "depends on nothing, which no add_module() makes", "lib/sdp/gone.c, which does not exist")

    def test_third_party(self):
        self.faulty({"lib/sdp/sdp.c": "#include <jansson.h>\n# include <foo/bar.h>\n"}, "<jansson.h> has its home in webhook/*",
                    "<foo/bar.h>: unknown library")

    def test_uthash_anywhere_but_in_call(self):
        self.faulty({"lib/sdp/sdp.c": "#include <uthash.h>\n", "b2bua/call/call.c": "#include <utlist.h>\n",
                     "b2bua/sip/sip.c": "#include <utlist.h>\n"}, "b2bua/call/call.c:1: <utlist.h>")

    def test_call_is_tighter(self):
        self.faulty({"store/store.h": "", "b2bua/call/call.c": '#include "store/store.h"\n'}, "b2bua/call may include dialplan, lib/base")

    def test_private_and_reserved(self):
        self.faulty({"b2bua/call/call.c": '#include "lib/sdp/sdp_inner.h"\n', "lib/sdp/sdp.c": '#include "lib/base/clock.h"\n'},
                    '"lib/sdp/sdp_inner.h" is private to lib/sdp', '"lib/base/clock.h" is for')

    def test_relative_path_and_tests(self):
        self.faulty({"lib/sdp/sdp.c": '#include "sdp.h"\n#include "tests/t.h"\n', "tests/t.h": ""},
                    '"sdp.h" is not a path from the root', "belongs to the tests")

    def test_folder_without_level(self):
        self.faulty({"new/CMakeLists.txt": "add_module(new SOURCES n.c)\n", "new/n.c": ""}, "folder new has no level")

    def build(self, call):
        """Archives as CMake would make them; call is the C text of b2bua/call."""
        sources = {"base": "int str_x(void){return 1;} long clock_x(void){return 1;}", "sdp": "int sdp_x(void){return 1;}",
                   "dialplan": "int dialplan_x(void){return 1;}", "call": call}
        for name, text in sources.items():
            stem = os.path.join(self.root, "build", name)
            os.makedirs(os.path.dirname(stem), exist_ok=True)
            with open(stem + ".c", "w", encoding="utf-8") as f:
                f.write(text)
            subprocess.run(["cc", "-w", "-c", stem + ".c", "-o", stem + ".o"], check=True)
            subprocess.run(["ar", "crs", os.path.join(self.root, "build", f"lib{name}.a"), stem + ".o"], check=True)

    def test_pure_symbols(self):
        self.build("#include <string.h>\nint call_x(void){return str_x() + sdp_x() + dialplan_x() + strlen(\"\");}")
        code, out = self.check({}, "--build", os.path.join(self.root, "build"))
        self.assertEqual(code, 0, out)

    def test_impure_symbols(self):
        self.build("int call_x(void){return time(0) + clock_x() + malloc(1) + socket(1,1,1);}")
        code, out = self.check({}, "--build", os.path.join(self.root, "build"))
        self.assertEqual(code, 1)
        for symbol in ("time", "clock_x", "malloc", "socket"):
            self.assertIn(f"call.o needs {symbol}:", out)

    def test_missing_archive(self):
        code, out = self.check({}, "--build", self.root)
        self.assertEqual(code, 1)
        self.assertIn("libcall.a is not there", out)


if __name__ == "__main__":
    unittest.main()
