# SPDX-License-Identifier: MIT
"""What the command says when a device computes wrongly or fails."""

import resource
import shutil

import command
from command import ffwd


class Faults(command.Case):
    def setUp(self):
        if command.fault is None:
            self.skipTest("ffwd is linked statically")

    def with_fault(self, fault, **more):
        return {**command.environment, "LD_PRELOAD": command.fault, "FFWD_TEST_FAULT": fault,
                **more}

    def with_opencl_fault(self, fault):
        """On OpenCL devices alone."""
        return {**command.with_opencl(), "LD_PRELOAD": command.fault, "FFWD_TEST_FAULT": fault,
                "FFWD_TEST_BACKEND": "opencl"}

    def test_verify_difference(self):
        env = self.with_fault("flip", FFWD_TEST_STRATEGY="layered")
        done = ffwd("verify", "3-2", "random:10", "--isa", "portable", "--threads", "1", env=env,
                    status=1)
        self.assertRegex(done.stdout, r"  layered   DIFFERS: Y\[9\]\[1\] is 0x[0-9a-f]{8} \(\S+\), "
                                      r"not 0x[0-9a-f]{8} \(\S+\)\n")
        self.assertEqual(done.stderr, "ffwd: 1 of 2 do not agree with the reference\n")

    def test_verify_difference_f64(self):
        env = self.with_fault("flip", FFWD_TEST_STRATEGY="layered")
        done = ffwd("verify", "layer7.npz", "layer_x.npy", "--isa", "portable", "--threads", "1",
                    env=env, status=1)
        self.assertRegex(done.stdout, r"DIFFERS: Y\[10\]\[6\] is 0x[0-9a-f]{16} \(\S+\), not ")

    def test_verify_difference_that_passes(self):
        """The reference errs once, and no value differs when that is looked for."""
        env = self.with_fault("once", FFWD_TEST_STRATEGY="fused")
        done = ffwd("verify", "3-2", "random:10", "--isa", "portable", "--threads", "1", env=env,
                    status=1)
        for strategy in "layered", "fused":
            self.assertRegex(done.stdout, rf"  {strategy} +DIFFERS, but not when computed again: X "
                                          r"or the reference has changed meanwhile\n")

    def test_verify_failure(self):
        env = self.with_fault("12", FFWD_TEST_STRATEGY="layered")
        done = ffwd("verify", "3-2", "random:10", "--isa", "portable", "--threads", "1", env=env,
                    status=69)
        self.assertIn("FAILED: fault 12\n", done.stdout)

    def test_verify_nothing_written(self):
        """Right values that an earlier run has left are not taken for a device's own."""
        env = self.with_fault("skip", FFWD_TEST_STRATEGY="fused")
        done = ffwd("verify", "3-2", "random:10", "--isa", "portable", "--threads", "1", env=env,
                    status=1)
        self.assertIn("layered   DIFFERS", done.stdout)
        env = self.with_fault("skip", FFWD_TEST_STRATEGY="layered")
        done = ffwd("verify", "3-2", "random:10", "--isa", "portable", "--threads", "1", env=env,
                    status=1)
        self.assertIn("layered   DIFFERS: Y[0][0] is 0xffffffff (-nan), not ", done.stdout)

    def test_verify_in_pieces(self):
        """A difference is found in the piece where it lies, by the row that it has in X."""
        env = self.with_fault("flip", FFWD_TEST_STRATEGY="layered")
        done = ffwd("verify", "3-2", "random:5000", "--isa", "portable", "--threads", "1",
                    "--memory", "1", env=env, status=1)
        self.assertIn("layered   DIFFERS: Y[2339][1] is ", done.stdout)
        self.assertIn("fused     equal\n", done.stdout)

    def test_bench_redone(self):
        """A time to which another device has contributed is not compared with a limit."""
        report = command.ffwd_json("bench", "--rows", "400000", "--repeat", "3", "--device", "cpu",
                                   env=self.with_fault("redo"))
        (result,) = report["results"]
        self.assertEqual(result["chunks_redone"], 1)
        self.assertIsNone(result["of_limit"])

    def test_bench_without_time(self):
        """Rates of a run that took no time are not known."""
        (result,) = command.ffwd_json("bench", "--rows", "10", "--repeat", "1", "--device", "cpu",
                                      env=self.with_fault("skip"))["results"]
        self.assertEqual([result[name] for name in ("rows_per_s", "gbps", "gflops", "of_limit")],
                         [None] * 4)

    def test_bench_above_limit(self):
        done = ffwd("bench", "--rows", "1000000", "--repeat", "1", env=self.with_fault("limit"))
        self.assertIn("  note      above the limit: the limit was measured too low\n", done.stderr)

    def test_bench_failure(self):
        done = ffwd("bench", "--rows", "10", "--device", "all", "--report", "none",
                    env=self.with_fault("12"), status=69)
        self.assertEqual(done.stderr, "ffwd: no device can run this: fault 12\n")

    def test_bench_failure_of_one(self):
        """One device that fails is skipped with its reason; the others are measured."""
        report = command.ffwd_json("bench", "--rows", "100", "--repeat", "1", "--device", "all",
                                   env=self.with_opencl_fault("12"))
        self.assertEqual(report["results"][0]["device"], "cpu")
        for item in report["results"]:
            self.assertEqual(item["backend"], "cpu")
        self.need_opencl()
        self.assertIn("fault 12", [item["reason"] for item in report["skipped"]])

    def test_bench_rows_cut(self):
        """Rows that nobody named leave most of a small memory to others."""
        pages = {"FFWD_TEST_PAGES": str((48 << 20) // resource.getpagesize())}
        env = {**command.environment, "LD_PRELOAD": command.fault, **pages}
        done = ffwd("bench", "--repeat", "1", env=env)
        first, second = done.stderr.splitlines()[:2]
        self.assertEqual(first, "2-3-2-1 step, f32, 14 parameters, 1,048,576 rows")
        self.assertEqual(second, "rows cut from 5,000,000 to 1,048,576: X and Y take at most a "
                                 "quarter of memory")
        done = ffwd("bench", "--rows", "5000000", env=env, status=71)
        self.assertEqual(done.stderr, "ffwd: X and Y of 5,000,000 rows are larger than memory, "
                                      "48.0 MiB; --rows takes fewer\n")

    def test_bench_rows_of_a_container(self):
        """The least limit of the control groups counts, in either version."""
        groups = command.folder / "groups"
        for members, limits in (
                ("0::/a/b\n", {"a/b/memory.max": "max", "a/memory.max": 50331648}),
                ("2:cpu,cpuacct:/x\n4:memory:/a\n0::/\n",
                 {"memory/a/memory.limit_in_bytes": 50331648, "cpu/a/memory.max": 1})):
            for name, limit in limits.items():
                path = groups / "sys/fs/cgroup" / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(f"{limit}\n")
            (groups / "proc/self").mkdir(parents=True, exist_ok=True)
            (groups / "proc/self/cgroup").write_text(members)
            env = {**command.environment, "LD_PRELOAD": command.fault,
                   "FFWD_TEST_GROUPS": str(groups)}
            done = ffwd("bench", "--rows", "5000000", env=env, status=71)
            self.assertEqual(done.stderr, "ffwd: X and Y of 5,000,000 rows are larger than memory, "
                                          "48.0 MiB; --rows takes fewer\n")
            shutil.rmtree(groups)

    def test_statuses(self):
        """Each status of the library ends with its exit status, and leaves no file."""
        for fault, status in (("2", 70), ("3", 65), ("10", 71), ("11", 69), ("12", 69), ("22", 69),
                              ("99", 70)):
            done = ffwd("run", "3-2", "random:10", "-o", "fault.npy", env=self.with_fault(fault),
                        status=status)
            self.assertEqual(done.stderr, f"ffwd: fault {fault}\n")
            self.assertEqual(list(command.folder.glob("*fault*")), [])

    def test_name_that_cannot_be_taken(self):
        """A whole output that does not get its name was not created."""
        env = self.with_fault("rename")
        run = "run", "3-2", "random:10", "--report", "none"
        for line in ((*run, "-o", "fault.npy"), (*run, "-o", "fault.npy", "--layers", "fault.npz"),
                     ("bench", "--rows", "10", "--report", "none", "--json", "fault.json")):
            done = ffwd(*line, env=env, status=73)
            self.assertRegex(done.stderr, f"^ffwd: {line[-1]}: (.*: )?Is a directory\n$")
            self.assertEqual(list(command.folder.glob("*fault*")), [])

    def test_bench_difference(self):
        self.need_opencl()
        for fault in "flip", "skip":
            done = ffwd("bench", "--rows", "100", "--repeat", "1", "--device", "all",
                        env=self.with_opencl_fault(fault), status=1)
            self.assertIn("DIFFERS\n", done.stderr)
            self.assertRegex(done.stderr, "\nffwd: the outputs of cpu and .* differ\n$")
