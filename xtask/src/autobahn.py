# Runs a part of the Autobahn test suite against a server and counts what it found; for Python 2.7, which the suite needs.
#
# autobahn.py PACKAGES FOLDER URL CASES: the folder of installed packages, one for reports, patterns of cases with commas.
from __future__ import print_function

import collections
import json
import os
import site
import sys

packages, folder, url, cases = sys.argv[1:5]
sys.path.insert(0, packages)
# The packages share namespaces, which their .pth files set up.
site.addsitedir(packages)

spec = {
    "outdir": folder,
    "servers": [{"agent": "throng", "url": url}],
    "cases": cases.split(","),
    "exclude-cases": [],
    "exclude-agent-cases": {},
}
if not os.path.isdir(folder):
    os.makedirs(folder)
path = os.path.join(folder, "spec.json")
with open(path, "w") as out:
    json.dump(spec, out)

sys.argv = ["wstest", "-m", "fuzzingclient", "-s", path]
from autobahntestsuite.wstest import run

run()

with open(os.path.join(folder, "index.json")) as report:
    results = json.load(report)["throng"]

PASSED = ["OK", "NON-STRICT", "INFORMATIONAL"]
counts = collections.Counter()
for case, result in sorted(results.items()):
    found = [result["behavior"], result["behaviorClose"]]
    bad = [word for word in found if word not in PASSED]
    counts[(bad or [max(found, key=PASSED.index)])[0]] += 1
    if bad:
        print("case %s: %s" % (case, ", ".join(found)))
print("autobahn: " + ", ".join("%d %s" % (count, word) for word, count in sorted(counts.items())))
passed = sum(counts[word] for word in PASSED)
print("# pass %d" % passed)
print("# fail %d" % (len(results) - passed))
sys.exit(0 if results and passed == len(results) else 1)
