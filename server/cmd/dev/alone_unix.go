//go:build unix

package main

import (
	"os/exec"
	"syscall"
)

// alone keeps the terminal's interrupt from the process: the loop stops it.
func alone(command *exec.Cmd) {
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
}
