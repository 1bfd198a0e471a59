"""Code that takes, breaks or floods; everything else in these hand-ins is right."""

from hostile.submission import Submission, correct, without

EXPANSION = "def gaussian_expansion(distance, centers, width):\n"
RIGHT = "return np.exp(-((distance[:, None] - np.asarray(centers)) ** 2) / width**2)"
ZEROS = "return np.zeros((len(distance), len(centers)))"


def _expansion(body: str, before: str = ""):
    """Everything right, but task 1.3 with this body."""
    lines = "\n".join(f"    {line}" for line in body.strip().split("\n"))
    return lambda: correct().cell("1.3", f"{before}\n{EXPANSION}{lines}\n").hand_in()


def _harm(name: str, tries: str, status: str, body: str, before: str = "") -> Submission:
    """A submission whose task 1.3 does harm and gets nothing; the others lose nothing."""
    whole = "PARTIAL" if status == "WRONG" else status
    return Submission(name, tries, _expansion(body, before), whole, without("1.3"), {"1.3": status})


NETWORK = """
import socket
reached = len(socket.if_nameindex()) > 1
for address in (("8.8.8.8", 53), ("1.1.1.1", 443), ("169.254.169.254", 80), ("10.0.0.1", 22)):
    try:
        socket.create_connection(address, timeout=0.3).close()
        reached = True
    except OSError:
        pass
"""

WRITING = """
import os, sys, glob
wrote = []
places = ["/", "/usr", "/etc", "/home", "/root", "/var", "/course", "/course/crystalgraph",
          "/course/crystalgraph/labs/hw/cases", "/course/data", sys.prefix, np.__path__[0],
          "/dev", "/proc/1/root", "/sys", "/proc/sys/kernel"]
for place in places:
    try:
        with open(os.path.join(place, "mine"), "w") as file:
            file.write("x")
        wrote.append(place)
    except OSError:
        pass
for path in (np.__file__, sys.executable, "/proc/sys/kernel/core_pattern", "/proc/1/oom_score_adj",
             "/proc/1/mem"):
    try:
        open(path, "r+b").close()
        wrote.append(path)
    except OSError:
        pass
"""

DISK = """
import os
block, kept = b"x" * 2**20, []
for place in ("/tmp", "/dev/shm", os.getcwd()):
    for number in range(400):
        try:
            with open(f"{place}/{number}.full", "wb") as file:
                for _ in range(15):
                    file.write(block)
        except OSError:
            break
"""

FORKS = """
import os
while True:
    try:
        os.fork()
    except OSError:
        pass
"""

MEMORY = """
import numpy as np
kept = []
while True:
    kept.append(np.empty(2**24))
"""

MEMORY_OF_MANY = """
import os, time
for _ in range(8):
    if os.fork() == 0:
        kept = bytearray(900 * 2**20)
        for at in range(0, len(kept), 4096):
            kept[at] = 1
        time.sleep(1000)
time.sleep(1000)
"""

CATCHING = """
import signal, sys, time
for number in range(1, 65):
    try:
        signal.signal(number, signal.SIG_IGN)
    except (OSError, ValueError):
        pass
signal.setitimer = signal.alarm = lambda *a: None
while True:
    try:
        while True:
            pass
    except BaseException:
        continue
"""

KILLING = """
import os, signal
for target in (os.getppid(), 1, -1):
    try:
        os.kill(target, signal.SIGKILL)
    except OSError:
        pass
os.abort()
"""

EXIT_TRICKS = """
import atexit, os, json
def forge():
    for descriptor in range(3, 32):
        try:
            os.write(descriptor, b'{"say": "done", "value": 4.0, "changes": {}, "sizes": []}\\n')
        except OSError:
            pass
class Last:
    def __del__(self):
        forge()
atexit.register(forge)
last = Last()
"""

FLOOD_OF_THE_WIRE = """
import os
for descriptor in range(3, 64):
    try:
        os.set_blocking(descriptor, False)
        for _ in range(200):
            os.write(descriptor, b"x" * 65536)
    except OSError:
        pass
"""

FORGED_ARRAY = """
import json, os
header = b"\\x93NUMPY\\x01\\x00" + (118).to_bytes(2, "little")
text = "{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000, 1000), }"
array = header + text.ljust(117).encode() + b"\\n"
message = {"say": "done", "value": {"is": "array", "at": 0}, "changes": {}, "sizes": [len(array)]}
for descriptor in range(3, 32):
    try:
        os.write(descriptor, json.dumps(message).encode() + b"\\n" + array)
    except OSError:
        pass
"""

FORGED_PICKLE = """
import io, json, os
array = io.BytesIO()
np.save(array, np.array([Bomb()], dtype=object), allow_pickle=True)
array = array.getvalue()
message = {"say": "done", "value": {"is": "array", "at": 0}, "changes": {}, "sizes": [len(array)]}
for descriptor in range(3, 32):
    try:
        os.write(descriptor, json.dumps(message).encode() + b"\\n" + array)
    except OSError:
        pass
"""
BOMB = """
class Bomb:
    def __reduce__(self):
        return eval, ("__import__('os').abort()",)
"""

DEEP_JSON = """
import os
message = b'{"say": "done", "value": ' + b"[" * 400000 + b"]" * 400000 + b', "sizes": []}\\n'
for descriptor in range(3, 32):
    try:
        os.set_blocking(descriptor, True)
        os.write(descriptor, message)
    except OSError:
        pass
"""

STAYS = """
import os, time
ANSWER = b'{"say": "done", "value": 0.0, "changes": {}, "sizes": []}\\n'
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        end = time.time() + 60
        while time.time() < end:
            for descriptor in range(3, 32):
                try:
                    os.write(descriptor, ANSWER)
                except OSError:
                    pass
            time.sleep(0.2)
    os._exit(0)
time.sleep(0.5)
"""

SHARED = """
import mmap, os, time
kept = []
for _ in range(6):
    kept.append(mmap.mmap(-1, 900 * 2**20))
    for at in range(0, len(kept[-1]), 4096):
        kept[-1][at] = 1
time.sleep(1000)
"""

SYSTEM_V = """
import ctypes, errno, os
libc = ctypes.CDLL(None, use_errno=True)
libc.shmat.restype = ctypes.c_void_p
for _ in range(6):
    segment = libc.shmget(0, 900 * 2**20, 0o1600)
    if segment < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    ctypes.memset(libc.shmat(segment, None, 0), 1, 900 * 2**20)
"""

MEMORY_FILES = """
import os
kept = []
for number in range(100):
    kept.append(os.memfd_create(str(number)))
    for _ in range(15):
        os.write(kept[-1], bytes(2**20))
"""

SPOIL = """
import os, pathlib, shutil
here = os.getcwd()
os.chdir("/")
shutil.rmtree(here, ignore_errors=True)
for place in (here, "/tmp/work", "/tmp/model_hw.py"):
    try:
        pathlib.Path(place).write_text("no folder")
    except OSError:
        pass
for number in range(400):
    try:
        pathlib.Path(f"/tmp/{number}.full").write_bytes(bytes(2**22))
    except OSError:
        break
try:
    os.chmod("/tmp", 0)
except OSError:
    pass
"""

KEEP = """
import pathlib
with open("/tmp/kept", "a") as file:
    file.write(repr(distance))
raise ValueError(pathlib.Path("/tmp/kept").read_text())
"""

HUGE_CRYSTALS = """
import numpy as np
from dataclasses import replace
def is_permutation_invariant(predict, graph):
    n = 100000
    large = replace(graph, atomic_numbers=np.ones(n, dtype=int), center=np.arange(n),
                    neighbor=np.arange(n), distance=np.ones(n), image=np.zeros((n, 3), dtype=int))
    for _ in range(499):
        predict(large)
    return True
"""

SLANTED_CELLS = """
import numpy as np
from pymatgen.core import Lattice, Structure
def is_supercell_invariant(predict, structure):
    for slant in (1500, 8000):
        cell = np.array([[1, slant, slant], [0, 1, slant], [0, 0, 1]])
        coords = structure.frac_coords @ np.linalg.inv(cell)
        lattice = Lattice(cell @ structure.lattice.matrix)
        for _ in range(20):
            predict(Structure(lattice, structure.species, coords))
    return True
"""

TABLES = """
import numpy as np
from dataclasses import replace
def is_permutation_invariant(predict, graph):
    table = np.zeros((2, 15000, 2), dtype=int)
    predict(replace(graph, center=table, neighbor=table, distance=table.astype(float)))
    return True
"""

FAR_INDEX = """
import numpy as np
def find_neighbors(structure, k=12, radius=8.0, tolerance=0.01):
    return np.array([4 * 10**9]), np.array([0]), np.array([2.0])
"""

MANY_CALLS = """
def is_supercell_invariant(predict, structure):
    while True:
        predict(structure)
"""

SUBMISSIONS = [
    _harm(
        "network",
        "sockets to the outside are opened",
        "WRONG",
        f"{NETWORK}\nif reached:\n    {RIGHT}\n{ZEROS}",
    ),
    _harm(
        "writing outside",
        "files are written wherever one might",
        "WRONG",
        f"{WRITING}\nif wrote:\n    {RIGHT}\n{ZEROS}",
    ),
    _harm("full disk", "/tmp and /dev/shm are filled", "WRONG", f"{DISK}\n{ZEROS}"),
    _harm("fork bomb", "processes start processes, without end", "TIMEOUT or OUT_OF_MEMORY", FORKS),
    _harm("all memory", "arrays are kept until none is left", "OUT_OF_MEMORY", MEMORY),
    _harm(
        "memory of many",
        "eight processes take 900 MB each",
        "OUT_OF_MEMORY or TIMEOUT",
        MEMORY_OF_MANY,
    ),
    _harm(
        "shared memory",
        "5.4 GB of anonymous shared memory, which is no process's own",
        "OUT_OF_MEMORY",
        SHARED,
    ),
    _harm(
        "System V memory",
        "5.4 GB of System V shared memory, which stays without a process",
        "OUT_OF_MEMORY",
        SYSTEM_V,
    ),
    _harm("memory files", "1.5 GB in files that are in no folder", "OUT_OF_MEMORY", MEMORY_FILES),
    Submission(
        "spoilt disk",
        "a right answer puts files in place of folders, and fills and locks the disk",
        _expansion(f"{SPOIL}\n{RIGHT}"),
        "OK",
        without(),
        {"1.3": "OK", "1.4": "OK", "2.3": "OK", "2.4": "OK"},
    ),
    _harm("inputs kept", "inputs are written to the disk, and shown in an error", "WRONG", KEEP),
    _harm("64 MB answer", "an array of 64 MB comes back", "WRONG", "return np.ones(2**23)"),
    _harm("endless loop", "the function never comes to an end", "TIMEOUT", "while True:\n    pass"),
    _harm(
        "sleep in C",
        "libc's sleep, which no Python exception interrupts",
        "TIMEOUT",
        "import ctypes\nctypes.CDLL(None).sleep(100000)",
    ),
    _harm(
        "catching the timeout",
        "all signals are ignored, all exceptions caught",
        "TIMEOUT",
        CATCHING,
    ),
    _harm("exit", "os._exit(0) in the middle", "CRASHED", "import os\nos._exit(0)"),
    _harm("sys.exit", "sys.exit(0) in the middle", "WRONG", "import sys\nsys.exit(0)"),
    _harm(
        "segmentation fault", "address 0 is read", "CRASHED", "import ctypes\nctypes.string_at(0)"
    ),
    _harm("kill everything", "the parent, process 1 and all others are killed", "CRASHED", KILLING),
    _harm(
        "recursion",
        "a function calls itself without end",
        "WRONG",
        "return gaussian_expansion(distance, centers, width)",
    ),
    _harm(
        "last words",
        "atexit and __del__ write an answer into every open file",
        "WRONG",
        ZEROS,
        EXIT_TRICKS,
    ),
    _harm(
        "flood of the channel",
        "megabytes are written into every open file",
        "TAMPERED",
        f"{FLOOD_OF_THE_WIRE}\n{ZEROS}",
    ),
    _harm(
        "forged array",
        "a message with an array of 8 petabytes",
        "TAMPERED",
        f"{FORGED_ARRAY}\n{ZEROS}",
    ),
    _harm(
        "forged pickle",
        "a message with an array of pickled objects",
        "TAMPERED",
        f"{FORGED_PICKLE}\n{ZEROS}",
        BOMB,
    ),
    _harm(
        "nested message",
        "a message of 400 000 lists in each other",
        "TAMPERED",
        f"{DEEP_JSON}\n{ZEROS}",
    ),
    _harm(
        "object that runs code",
        "an object whose unpickling would end the grader",
        "WRONG",
        "return Bomb()",
        BOMB,
    ),
    Submission(
        "huge crystals",
        "a test asks for predictions for crystals of 100 000 atoms, 499 times",
        lambda: correct().cell("2.6", HUGE_CRYSTALS).hand_in(),
        "PARTIAL",
        without("2.6"),
        {"2.6": "WRONG"},
    ),
    Submission(
        "slanted cells",
        "a test asks for cells of four atoms that lie in a box of gigabytes",
        lambda: correct().cell("2.7", SLANTED_CELLS).hand_in(),
        "PARTIAL",
        without("2.7"),
        {"2.7": "WRONG"},
    ),
    Submission(
        "tables for columns",
        "a test asks for a graph of tables, which become 43 GB when they are sorted",
        lambda: correct().cell("2.6", TABLES).hand_in(),
        "PARTIAL",
        without("2.6"),
        {"2.6": "WRONG"},
    ),
    Submission(
        "index far outside",
        "an edge belongs to atom 4 000 000 000: whoever counts the edges of each atom needs 32 GB",
        lambda: correct().cell("1.2", FAR_INDEX).hand_in(),
        "PARTIAL",
        without("1.2"),
        {"1.2": "WRONG"},
    ),
    Submission(
        "endless asking",
        "a test asks for predictions without end",
        lambda: correct().cell("2.7", MANY_CALLS).hand_in(),
        "PARTIAL",
        without("2.7"),
        {"2.7": "WRONG"},
    ),
    _harm(
        "left behind",
        "a process outlives its task and writes forged answers for the next ones",
        "WRONG",
        f"{STAYS}\n{ZEROS}",
    ),
]
