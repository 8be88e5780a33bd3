#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The manuals say what the command's own help and the headers say.

    test_man.py SOURCE_FOLDER FFWD    "" where a build has no command: ffwd.3 alone
"""
import pathlib
import re
import subprocess
import sys

failures = 0


def expect_equal(what, manual, truth):
    """Complains about each entry that only one of the two has; neither may be empty."""
    global failures
    lines = [f"{what}: the manual lacks {entry}" for entry in truth if entry not in manual]
    lines += [f"{what}: the manual alone has {entry}" for entry in manual if entry not in truth]
    if not truth:
        lines.append(f"{what}: nothing to compare with")
    for line in lines:
        print(line)
    failures += len(lines)


def section(page, name):
    """The lines below `.Sh name`."""
    found = re.search(rf"^\.Sh {name}\n(.*?)(?=^\.Sh |\Z)", page, re.MULTILINE | re.DOTALL)
    return found.group(1) if found else ""


def items(text, macro):
    """What stands behind `.It macro`, item after item."""
    return re.findall(rf"^\.It {macro} (.+)$", text, re.MULTILINE)


# ------------------------------------------------------------------------------------- ffwd.1


def help_of(ffwd, *command):
    return subprocess.run([ffwd, *command, "--help"], check=True, text=True,
                          stdout=subprocess.PIPE).stdout


def commands_of_help(text):
    return re.findall(r"^  ffwd (\w+)", text, re.MULTILINE)


def options_of_help(text):
    """("o", "output", "Y") and the like: short name, long name, argument."""
    line = re.compile(r"^(?:  -(\w), |      )--([a-z-]+)(?:=(\S+))?", re.MULTILINE)
    return line.findall(text)


def options_of_manual(page):
    """The same as a map to the commands that know an option."""
    item = re.compile(r"(?:Fl (\w) (?:Ar \S+ )?, )?Fl -([a-z-]+)(?: Ns = Ns Ar (\S+))? Pq (.+)")
    known = {}
    for text in re.findall(r"^\.It (Fl .+)$", section(page, "OPTIONS"), re.MULTILINE):
        found = item.fullmatch(text)
        if found is None:
            expect_equal("OPTIONS", [text], ["an option, its argument and its commands"])
            continue
        *option, commands = found.groups(default="")
        known[tuple(option)] = commands.split(", ")
    return known


def usage_of_manual(page):
    """"run MODEL X" and the like, as the synopsis has them, without options."""
    text = re.sub(r"^\.Op (?:Ar option \.\.\.|Fl .*)\n", "", section(page, "SYNOPSIS"),
                  flags=re.MULTILINE)
    text = re.sub(r"^\.Op Ar (.*)$", r"[\1]", text, flags=re.MULTILINE)
    usages = re.split(r"^\.Nm\n", text, flags=re.MULTILINE)[1:]
    return [re.sub(r"\.(?:Cm|Ar) ", "", usage).replace("\n", " ").strip() for usage in usages]


def usage_of_help(text):
    return re.sub(r"^Usage: ffwd | \[OPTION\.\.\.\]", "", text.split("\n", 1)[0]).strip()


def check_command(page, ffwd):
    general = help_of(ffwd)
    commands = commands_of_help(general)
    helps = {command: help_of(ffwd, command) for command in commands}
    expect_equal("commands", [text.split()[0] for text in items(section(page, "DESCRIPTION"), "Cm")],
                 commands)
    expect_equal("SYNOPSIS", usage_of_manual(page),
                 [usage_of_help(text) for text in helps.values()] + ["help [command]"])
    known = options_of_manual(page)
    for command, text in {"": general, **helps}.items():
        here = [option for option, where in known.items() if where == ["all"] or command in where]
        expect_equal(f"options of ffwd {command}".strip(), here, options_of_help(text))
    listed = " ".join(re.findall(r"^\.It ([0-9].*)$", section(page, "EXIT STATUS"), re.MULTILINE))
    statuses = re.search(r"Exit status:(.*?)\n\n", general, re.DOTALL).group(1)
    expect_equal("EXIT STATUS", re.findall(r"\d+", listed), re.findall(r"\d+", statuses))
    expect_equal("ENVIRONMENT of ffwd.1", items(section(page, "ENVIRONMENT"), "Ev"),
                 re.findall(r"FFWD_[A-Z_]+", general))


# ------------------------------------------------------------------------------------- ffwd.3


def check_library(page, root):
    paths = [path for path in (root / "include/ffwd").glob("*.h") if path.name != "export.h"]
    headers = "".join(path.read_text(encoding="utf-8") for path in paths)
    expect_equal("headers", re.findall(r"^\.In ffwd/(\S+)$", page, re.MULTILINE),
                 [path.name for path in paths])
    expect_equal("FUNCTIONS", items(section(page, "FUNCTIONS"), "Fn"),
                 re.findall(r"^FFWD_API\s[^;(]*?\b(ffwd_\w+)\(", headers, re.MULTILINE))
    statuses = re.search(r"#define FFWD_STATUS_LIST.*?\n\n", headers, re.DOTALL).group(0)
    expect_equal("RETURN VALUES", items(section(page, "RETURN VALUES"), "Dv"),
                 re.findall(r"X\((FFWD_\w+), \d", statuses))
    example = re.search(r"^\.Bd -literal\n(.*?)^\.Ed$", page, re.MULTILINE | re.DOTALL).group(1)
    readme = (root / "README.md").read_text(encoding="utf-8")
    program = re.search(r"^```c\n(.*?)^```$", readme, re.MULTILINE | re.DOTALL).group(1)
    expect_equal("EXAMPLES and the README's program", example.replace("\\e", "\\").split("\n"),
                 program.split("\n"))


def main():
    root = pathlib.Path(sys.argv[1])
    check_library((root / "man/ffwd.3").read_text(encoding="utf-8"), root)
    if sys.argv[2] != "":
        check_command((root / "man/ffwd.1").read_text(encoding="utf-8"), sys.argv[2])
    else:
        print("skipped: ffwd.1: this build has no command")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
