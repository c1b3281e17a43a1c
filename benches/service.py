"""A running Arsis with a private PostgreSQL in a temporary folder, for the load tests beside this file."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


def binary(name):
    """A program of the release build."""
    path = ROOT / "target" / "release" / name
    if not path.exists():
        sys.exit(f"{path} is not there: cargo build --release -p arsis -p testmusic --bin arsis --bin testmusic")
    return str(path)


class Service:
    """One role of Arsis after the other, or several beside one another, on one database."""

    def __init__(self, arsis):
        self.arsis = arsis
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="arsis-bench-"))
        self.folder.chmod(0o755)  # the private server may run under another account
        self.environment = {
            "PATH": os.environ["PATH"],
            "ARSIS_DATA_DIR": str(self.folder / "data"),
            # More than there will be: what counts requests is measured, not what refuses them.
            "ARSIS_RATE_LIMIT": "4000000000",
            "RUST_LOG": os.environ.get("RUST_LOG", "warn,arsis=info,api=info,worker=info,store=info"),
        }
        self.processes = []
        self.base = self.token = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in reversed(self.processes):
            self.stop(process)
        shutil.rmtree(self.folder, ignore_errors=True)

    def run(self, *arguments):
        """Runs a command to its end; gives its output."""
        command = [self.arsis, *arguments]
        return subprocess.run(command, env=self.environment, check=True, capture_output=True, text=True).stdout

    def start(self, *arguments):
        """Starts a role; its log goes to a file."""
        log = open(self.folder / f"{arguments[0]}.log", "ab")
        out = open(self.folder / f"{arguments[0]}.out", "wb")
        process = subprocess.Popen([self.arsis, *arguments], env=self.environment, stdout=out, stderr=log)
        self.processes.append(process)
        return process

    def stop(self, process):
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            process.wait()

    def serve_api(self):
        """Starts `arsis api` with a user of its own."""
        self.token = self.run("user", "add", "bench@example.org").strip().splitlines()[-1]
        process = self.start("api", "--listen", "127.0.0.1:0")
        announced = self.folder / "api.out"
        while "http://" not in announced.read_text():
            if process.poll() is not None:
                sys.exit((self.folder / "api.log").read_text())
            time.sleep(0.05)
        self.base = "http://" + announced.read_text().split("http://")[1].split("/")[0]
        return process

    def get(self, path, **headers):
        """The body of an answer, and its headers."""
        request = urllib.request.Request(self.base + path, headers={"authorization": f"Bearer {self.token}", **headers})
        with urllib.request.urlopen(request) as answer:
            return answer.read(), answer.headers

    def upload(self, name, audio):
        """Uploads audio; gives the ids of its track and analysis."""
        edge = "arsis-bench-boundary"
        head = f'--{edge}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'
        body = head.encode() + audio + f"\r\n--{edge}--\r\n".encode()
        headers = {"authorization": f"Bearer {self.token}", "content-type": f"multipart/form-data; boundary={edge}"}
        request = urllib.request.Request(self.base + "/v1/tracks", data=body, headers=headers, method="POST")
        with urllib.request.urlopen(request) as answer:
            uploaded = json.load(answer)
        return uploaded["track"]["id"], uploaded["analysis"]["id"]

    def wait_for(self, analysis):
        while True:
            row = json.loads(self.get(f"/v1/analyses/{analysis}")[0])
            if row["status"] == "completed":
                return row
            if row["status"] == "error":
                sys.exit(f"the analysis failed: {row['error_message']}")
            time.sleep(0.1)


def cpu_seconds(pid, children=False):
    """User and system time of a process, with that of its ended children if asked for."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return sum(int(field) for field in fields[11 : 15 if children else 13]) / TICKS_PER_SECOND


def family_cpu_seconds(pid):
    """Time of a process and of all its children, those that ended included."""
    while True:
        children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        try:
            return cpu_seconds(pid, children=True) + sum(cpu_seconds(child) for child in children)
        except FileNotFoundError:
            pass  # one ended meanwhile: its time is its parent's now


def postmaster(service):
    """The private server's process."""
    return int(next(service.folder.glob("data/**/postmaster.pid")).read_text().split()[0])
