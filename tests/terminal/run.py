"""Runs a command on a pseudo-terminal of its own: run.py COLUMNS ROWS INTERRUPT_AT COMMAND...

What the command writes goes to standard output as it is; its exit status is ours. Where INTERRUPT_AT is not empty,
Ctrl-C is typed once the command has written it.
"""

import fcntl
import os
import pty
import struct
import sys
import termios

columns, rows, interrupt_at = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3].encode()
child, terminal = pty.fork()
if child == 0:
    # The command must not begin before the terminal has its size.
    sys.stdin.buffer.raw.read(1)
    os.execvp(sys.argv[4], sys.argv[4:])
fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
settings = termios.tcgetattr(terminal)
settings[3] &= ~termios.ECHO
termios.tcsetattr(terminal, termios.TCSANOW, settings)
os.write(terminal, b"\n")
said = b""
while True:
    try:
        read = os.read(terminal, 1 << 16)
    except OSError:  # Linux says so when the last writer has gone.
        break
    if not read:
        break
    sys.stdout.buffer.write(read)
    said += read
    if interrupt_at and interrupt_at in said:
        os.write(terminal, b"\x03")
        interrupt_at = b""
sys.stdout.buffer.flush()
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
