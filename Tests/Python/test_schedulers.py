"""A run over several tasks of a real Slurm and of GNU parallel: the same results as one process gives.

Slurm's daemons run on this machine alone, on ports and in folders of their own. Skipped, with a word, where
they, munge or parallel are not installed: Tools/install slurm-wlm munge parallel.
"""

import contextlib
import getpass
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest

from tools import PACKAGE, release_binary

SAMPLE = pathlib.Path(PACKAGE, "Tests", "Fixtures", "sample")
SLURM = pathlib.Path(PACKAGE, "Tools", "slurm")
VIDEOS = 12
DAEMONS = ["slurmctld", "slurmd", "munged"]


def there(*programs):
    return all(shutil.which(program, path=search_path()) for program in programs)


def search_path():
    return os.environ["PATH"] + ":/usr/sbin:/sbin"


def wait_for(what, seconds=120):
    """What `what` gives, once that is true."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = what()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError(f"waited {seconds} s for {what.__name__}")


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


class Cluster:
    """slurmctld, slurmd and munged of this test, with one node of four processors."""

    def __init__(self, folder):
        self.folder = folder
        self.environment = {**os.environ, "PATH": search_path(), "SLURM_CONF": str(folder / "slurm.conf")}
        self.daemons = []

    def start(self):
        munge = self.folder / "munge"
        munge.mkdir(mode=0o700)
        (munge / "key").write_bytes(os.urandom(128))
        (munge / "key").chmod(0o600)
        self.configure(munge / "socket")
        places = [f"--{name}={munge / name}" for name in ("socket", "pid-file", "log-file", "seed-file")]
        self.run_daemon("munged", "--foreground", "--force", f"--key-file={munge / 'key'}", *places)
        wait_for((munge / "socket").exists)
        self.run_daemon("slurmctld", "-D", "-i")
        self.run_daemon("slurmd", "-D", "-N", "node")

        def node_is_idle():
            return "idle" in self.call("sinfo", "-h", "-o", "%t", check=False)

        wait_for(node_is_idle)

    def configure(self, munge):
        host = socket.gethostname().split(".")[0]
        ports = free_ports(2)
        for name in ("state", "spool"):
            (self.folder / name).mkdir()
        (self.folder / "slurm.conf").write_text(
            f"""ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
SlurmUser={getpass.getuser()}
SlurmdUser={getpass.getuser()}
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket={munge},cred_expire=5
StateSaveLocation={self.folder}/state
SlurmdSpoolDir={self.folder}/spool
SlurmctldPidFile={self.folder}/slurmctld.pid
SlurmdPidFile={self.folder}/slurmd.pid
SlurmctldLogFile={self.folder}/slurmctld.log
SlurmdLogFile={self.folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
MpiDefault=none
ReturnToService=2
KillWait=10
SchedulerParameters=sched_interval=1,sched_min_interval=100000,batch_sched_delay=0
NodeName=node NodeHostname={host} NodeAddr=127.0.0.1 CPUs=4 State=UNKNOWN
PartitionName=all Nodes=node Default=YES MaxTime=INFINITE State=UP
"""
        )

    def run_daemon(self, *command):
        with open(self.folder / f"{command[0]}.out", "wb") as out:
            self.daemons.append(
                subprocess.Popen(command, env=self.environment, stdout=out, stderr=subprocess.STDOUT)
            )

    def call(self, *command, check=True):
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False)
        if check and done.returncode:
            raise AssertionError(f"{' '.join(command)}: {done.stderr}{self.logs()}")
        return done.stdout.strip()

    def logs(self):
        files = [*self.folder.glob("*.log"), *self.folder.glob("*.out")]
        return "".join(f"\n== {path.name}\n{path.read_text()[-3000:]}" for path in files)

    def submit(self, *arguments):
        return self.call("sbatch", "--parsable", f"--output={self.folder}/%x-%a.out", *map(str, arguments))

    def states(self, job):
        """The state of each task of a job that Slurm still knows."""
        lines = self.call("squeue", "-h", "-r", "-t", "all", "-j", job, "-o", "%K %T", check=False)
        return dict(line.split() for line in lines.splitlines())

    def wait_until(self, job, state, count):
        """Waits until that many tasks of a job have a state."""

        def all_have_the_state():
            states = self.states(job)
            return len(states) == count and set(states.values()) == {state}

        try:
            wait_for(all_have_the_state, 240)
        except AssertionError:
            raise AssertionError(f"tasks are {self.states(job)}, not {state}: {self.logs()}") from None

    def stop(self):
        for daemon in reversed(self.daemons):
            daemon.terminate()
        for daemon in self.daemons:
            try:
                daemon.wait(10)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()


class Schedulers(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.binary = os.environ.get("COGVLM_BINARY") or release_binary()
        if not os.path.exists(cls.binary):
            raise unittest.SkipTest("the release build has no cogvlm")

    def setUp(self):
        holder = tempfile.TemporaryDirectory()
        self.addCleanup(holder.cleanup)
        self.folder = pathlib.Path(holder.name)
        self.model = self.folder / "model.cogvlm"
        self.cogvlm("quantize", SAMPLE / "checkpoint", "-o", self.model)
        questions = json.loads((SAMPLE / "questions.json").read_text())
        videos = list(dict.fromkeys(question["video"] for question in questions))[:VIDEOS]
        chosen = [question for question in questions if question["video"] in videos]
        self.questions = self.folder / "questions.json"
        self.questions.write_text(json.dumps(chosen))
        self.count = len(chosen)

    def cogvlm(self, *arguments):
        command = [self.binary, *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, f"{' '.join(command)}: {done.stderr}")
        return done.stdout

    def evaluation(self, run):
        videos = ["--videos", SAMPLE / "videos", "--threads", "1"]
        return ["eval", self.model, "--questions", self.questions, *videos, "--run", self.folder / run]

    def merged(self, run):
        path = self.folder / f"{run}.jsonl"
        self.cogvlm("merge", self.folder / run, "-o", path, "--strict")
        return path.read_bytes()

    def results_of_one_process(self):
        self.cogvlm(*self.evaluation("one"))
        results = self.merged("one")
        self.assertEqual(results.count(b"\n"), self.count)
        return results

    def lines(self, run, shard):
        """How many items the parts of a shard have."""
        parts = (self.folder / run / "parts").glob(f"part-{shard:05}-of-*.jsonl")
        return sum(part.read_bytes().count(b"\n") for part in parts)

    def process(self, task):
        """The process of cogvlm that does a task of an array."""
        for folder in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                words = (folder / "environ").read_bytes().split(b"\0")
                program = (folder / "cmdline").read_bytes().split(b"\0")[0]
            except OSError:
                continue
            if f"SLURM_ARRAY_TASK_ID={task}".encode() in words and program == str(self.binary).encode():
                return int(folder.name)
        raise AssertionError(f"no process of task {task}")

    def assert_nothing_asked_twice(self, run):
        lines = [
            json.loads(line)
            for part in (self.folder / run / "parts").glob("*.jsonl")
            for line in part.read_text().splitlines()
        ]
        self.assertEqual(len(lines), self.count)
        self.assertEqual(len({line["key"] for line in lines}), self.count)

    @contextlib.contextmanager
    def cluster(self):
        """A Slurm that runs the binary; names of its sockets are short, so that its folder's is."""
        with tempfile.TemporaryDirectory(prefix="slurm-", dir="/tmp") as folder:
            cluster = Cluster(pathlib.Path(folder))
            cluster.environment["COGVLM_BINARY"] = self.binary
            try:
                cluster.start()
                yield cluster
            finally:
                cluster.stop()

    @unittest.skipUnless(there(*DAEMONS, "sbatch"), "needs Slurm and munge: slurm-wlm, munge")
    def test_slurm_array_with_a_task_killed_and_one_stopped_gives_the_results_of_one_process(self):
        expected = self.results_of_one_process()
        with self.cluster() as cluster:
            job = cluster.submit("--array=0-3", SLURM / "array", *self.evaluation("run"))
            wait_for(lambda: self.lines("run", 1) > 0)
            os.kill(self.process(task=1), signal.SIGKILL)
            wait_for(lambda: self.lines("run", 2) > 0)
            cluster.call("scancel", "--full", "--signal=TERM", f"{job}_2")

            def killed():
                return cluster.states(job).get("1") == "FAILED"

            wait_for(killed)
            self.assertFalse((self.folder / "run" / "done" / "00001-of-00004").exists())
            cluster.call("scontrol", "requeue", f"{job}_1")
            merge = ["merge", self.folder / "run", "-o", self.folder / "merged.jsonl"]
            after = cluster.submit(f"--dependency=afterany:{job}", SLURM / "merge", *merge[1:])
            cluster.wait_until(job, "COMPLETED", 4)
            cluster.wait_until(after, "COMPLETED", 1)
            restarts = cluster.call("scontrol", "show", "job", job)
            self.assertEqual(restarts.count("Restarts=1"), 2, restarts)
        self.assertEqual((self.folder / "merged.jsonl").read_bytes(), expected)
        self.assert_nothing_asked_twice("run")

    @unittest.skipUnless(there(*DAEMONS, "sbatch"), "needs Slurm and munge: slurm-wlm, munge")
    def test_slurm_array_that_is_canceled_stays_so_and_one_told_before_its_limit_is_queued_again(self):
        with self.cluster() as cluster:
            job = cluster.submit("--array=0-1", SLURM / "array", *self.evaluation("run"))
            wait_for(lambda: self.lines("run", 0) > 0)
            # As --signal of the script does, to the shell alone.
            cluster.call("scancel", "--batch", "--signal=USR1", f"{job}_0")

            def queued_again():
                return "Restarts=1" in cluster.call("scontrol", "show", "job", f"{job}_0")

            wait_for(queued_again)
            cluster.call("scancel", job)
            cluster.wait_until(job, "CANCELLED", 2)
            # A task that was queued again would not have stayed canceled.
            time.sleep(3)
            cluster.wait_until(job, "CANCELLED", 2)
            # One task alone says how many there are.
            job = cluster.submit("--array=1", SLURM / "array", *self.evaluation("run"), "--shard", "auto/2")
            cluster.wait_until(job, "COMPLETED", 1)
            self.assertTrue((self.folder / "run" / "done" / "00001-of-00002").exists())

    @unittest.skipUnless(there("parallel"), "needs GNU parallel")
    def test_gnu_parallel_gives_the_results_of_one_process(self):
        expected = self.results_of_one_process()
        command = [self.binary, *self.evaluation("run"), "--shard", "auto/4"]
        # --will-cite: its notice is for people at a terminal.
        parallel = ["parallel", "--will-cite", "-N0", "-j4", *map(str, command), ":::", "a", "b", "c", "d"]
        done = subprocess.run(parallel, capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.merged("run"), expected)
        self.assert_nothing_asked_twice("run")


if __name__ == "__main__":
    unittest.main()
